"""A day whose manual is made by LaTeX: the sample's, with a release and tickets of our own."""

from __future__ import annotations

import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from sessions.sample.unpack import unpack_sample
from tests.repositories import Builder, Content, run_git
from tests.stories.desk import Desk

pytestmark = [pytest.mark.slow, pytest.mark.docker, pytest.mark.usefixtures("daemon")]

EXAMPLES = Path(__file__).parents[2] / "examples"
# Formats that Debian makes when TeX is installed, and that pdflatex does not need, with their programs. They take as
# long as all that remains of the installation.
UNUSED_FORMATS = {
    **dict.fromkeys(("latex-dev", "pdflatex-dev"), "pdftex"),
    **dict.fromkeys(("luatex", "dviluatex", "dvilualatex", "dvilualatex-dev"), "luatex"),
    **dict.fromkeys(("luahbtex", "lualatex", "lualatex-dev"), "luahbtex"),
}
# Which page says what in LaTeX. The release refers to a place that is not there, and 201 moves that down by a line.
RELEASE = {"reference": r"As everybody knows from section \ref{long-lost}."}
FANCY = r"{\fontfamily{nosuchfamily}\selectfont A lesser font will do.}\clearpage One more page.\clearpage"
TICKETS = {
    201: {"tutorial": r"A page of its own.\clearpage", "reference": FANCY},
    202: {"recipes": r"The carpet is \immeasurably{} wide."},
    203: {"changes": r"As \cite{Recorde1557} has it, see section \ref{long-lost}."},
    204: {"changes": r"{\font\fancy=nosuchfont \fancy Fancy numbers.}"},
}


class Manual:
    """The sample's manual in a repository of our own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.desk = folder, Desk(folder)
        sample = unpack_sample(folder / "sample")
        self.builder = Builder.of(sample.repository)
        self._write(RELEASE, "refs/tags/1.1.beta1", "beta2")
        self.builder.tag("1.1.beta2", "beta2", day=300)
        for number, pages in TICKETS.items():
            self._write(pages, "refs/tags/1.1.beta2", f"t{number}")
        tickets = (
            {"number": n, "title": f"T{n}", "labels": ["s: positive review"], "branch": f"t{n}", "milestone": "1.1"}
            for n in TICKETS
        )
        tables = ["\n".join(f"{key} = {json.dumps(value)}" for key, value in each.items()) for each in tickets]
        (folder / "tickets.toml").write_text("".join(f"[[ticket]]\n{table}\n" for table in tables))
        self.configure()
        self._write_dockerfile()

    def _write_dockerfile(self) -> None:
        """Write the example's recipe, told which formats are not to be made."""
        recipe, install = (EXAMPLES / "latex.Dockerfile").read_text(), "RUN apt-get update"
        assert install in recipe
        lines = "".join(f"#! {name} {program} -\\n" for name, program in UNUSED_FORMATS.items())
        place = "/etc/texmf/web2c"
        unused = f"RUN mkdir -p {place} && printf '{lines}' > {place}/fmtutil.cnf\n"
        (self.folder / "latex.Dockerfile").write_text(recipe.replace(install, unused + install))

    def _write(self, pages: dict[str, str], start: str, branch: str) -> None:
        files: dict[str, Content] = {}
        for name, words in pages.items():
            title, line, text = run_git("show", f"{start}:docs/{name}.rst", cwd=self.builder.path).split("\n", 2)
            files[f"docs/{name}.rst"] = f"{title}\n{line}\n\n.. raw:: latex\n\n   {words}\n{text}\n"
        self.builder.commit(files, start, branch=branch, day=300)

    def configure(self, build: str = "") -> None:
        """The example's configuration, for this repository."""
        text = (EXAMPLES / "abacus-latex.toml").read_text()
        for old, new in {
            'repository = "sample:"': f'repository = "{self.builder.path}"',
            'url        = "sample:"': 'url = "tickets.toml"',
            '"latex.Dockerfile"': f'"{self.folder / "latex.Dockerfile"}"',
            "[engine]": f"[build]\nrun = {json.dumps(build)}\n[engine]",
        }.items():
            assert old in text
            text = text.replace(old, new)
        (self.folder / "integration.toml").write_text(text)

    def integrate(self, *only: int) -> subprocess.CompletedProcess[str]:
        config = str(self.folder / "integration.toml")
        return self.desk.type("integrate", "--config", config, "--only", ",".join(map(str, only)))

    @property
    def pages(self) -> int:
        pdf = self.desk.state / "latest" / "artifacts" / "doc-pdf" / "build" / "latex" / "abacus.pdf"
        return len(PdfReader(io.BytesIO(pdf.read_bytes())).pages)


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Manual:
    return Manual(tmp_path_factory.mktemp("manual"))


def told(manual: Manual) -> dict[int, Any]:
    return {ticket["number"]: ticket for ticket in manual.desk.record()["tickets"]}


def test_whose_latex_is_wrong_is_found_and_the_manual_comes_out_without_it(manual: Manual) -> None:
    done = manual.integrate(201, 202, 203)
    assert done.returncode == 0, done.stdout + done.stderr
    tickets = told(manual)
    assert {n: ticket["verdict"] for n, ticket in tickets.items()} == {
        201: "integrated",
        202: "culprit",
        203: "culprit",
    }
    broke = {each["test"]: each["message"] for each in tickets[202]["broke"]}
    assert list(broke) == ["abacus.pdf", "abacus.pdf::LaTeX error [Undefined control sequence. \\immeasurably]"]
    assert all(
        re.search(r"\babacus\.tex:\d+ \(made from recipes\): Undefined control", each) for each in broke.values()
    ), broke
    (lost,) = tickets[203]["broke"]
    assert lost["test"] == "abacus.pdf::undefined citation [Recorde1557]"
    assert re.search(r"Citation `Recorde1557' on page \d+ undefined on input line \d+", lost["message"])
    gate = manual.desk.record()["gates"]["doc-pdf"]
    assert gate["known"] == ["abacus.pdf::undefined reference [long-lost]"]
    assert (gate["state"], gate["new"], gate["flaky"]) == ("green", [], [])
    assert manual.pages == 15


def test_a_font_that_a_ticket_asks_for_is_nobodys_fault(manual: Manual) -> None:
    done = manual.integrate(201, 204)
    assert done.returncode == 1
    assert {n: ticket["verdict"] for n, ticket in told(manual).items()} == {201: "not-reached", 204: "not-reached"}
    last = done.stderr.splitlines()[-1]
    assert "the image lacks the font nosuchfont, which abacus.pdf asks for: add it to the image" in last
    assert manual.desk.record()["state"] == "broken"


def test_a_font_that_the_image_lacks_is_nobodys_fault(manual: Manual) -> None:
    manual.configure(build="rm -r /usr/share/texmf/fonts/tfm/public/tex-gyre && mktexlsr --quiet")
    done = manual.integrate(201, 202)
    assert done.returncode == 1
    assert {n: ticket["verdict"] for n, ticket in told(manual).items()} == {201: "not-reached", 202: "not-reached"}
    assert re.search(r"the image lacks the font \S+, which abacus\.pdf asks for", done.stderr.splitlines()[-1])

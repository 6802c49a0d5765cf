from __future__ import annotations

from pathlib import Path

import pytest

from sessions.terminal.console import Console
from sessions.terminal.typed_commands import as_typed, noxfile_option

OPTION = "-f ../integrand/noxfile.py "


def test_the_noxfile_is_named_by_the_shorter_path(tmp_path: Path) -> None:
    home = tmp_path / "integrand"
    assert noxfile_option(tmp_path / "integrand", home.resolve()) == ""
    assert noxfile_option(tmp_path / "project", home.resolve()) == OPTION
    deep = tmp_path / "/".join("abcdefghijklmnopqrstuvwxyz")
    assert noxfile_option(deep, Path("/i")) == "-f /i/noxfile.py "
    assert noxfile_option(tmp_path / "project", (tmp_path / "my tools").resolve()) == "-f '../my tools/noxfile.py' "


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("type `nox -s integrate -- --plan`", f"type `nox {OPTION}-s integrate -- --plan`"),
        ("next: nox -s doc-pdf", f"next: nox {OPTION}-s doc-pdf"),
        ("python3 -m nox -s tests", "python3 -m nox -s tests"),
        ("nox -s reporting and pynox -s report", "nox -s reporting and pynox -s report"),
    ],
)
def test_only_commands_of_integrand_name_its_noxfile(text: str, typed: str) -> None:
    assert as_typed(text, OPTION) == typed
    assert as_typed(text, "") == text


def test_a_console_prints_commands_that_work_where_the_user_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Console(called_from=tmp_path).detail("type `nox -s report` to show it here")
    assert capsys.readouterr().out == f"    type `nox {noxfile_option(tmp_path)}-s report` to show it here\n"
    Console().detail("type `nox -s report`")
    assert capsys.readouterr().out == "    type `nox -s report`\n"

"""A manual that lies there from an earlier build is not what a gate has made."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfWriter

from tests.repositories import Builder, ticket_table
from tests.stories.desk import Desk, own_config, verdicts

pytestmark = pytest.mark.slow

CONFIG = own_config("""
[build]
run = "mkdir -p out && cp page.pdf out/manual.pdf"
[[gates]]
name = "manual"
run = "sh make.sh"
format = "latex"
artifacts = ["out/*.pdf"]
""")


def test_a_ticket_that_makes_the_gate_do_nothing_is_its_culprit(tmp_path: Path) -> None:
    page = BytesIO()
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(page)
    builder = Builder(tmp_path / "project.git")
    base = builder.commit({"page.pdf": page.getvalue(), "make.sh": "cp page.pdf out/manual.pdf\n", "a.txt": "a"})
    builder.tag("1.0")
    builder.commit({"a.txt": "b"}, base, branch="t1")
    builder.commit({"make.sh": "true\n"}, base, branch="t2")
    (tmp_path / "tickets.toml").write_text("\n".join(ticket_table(number, labels=[]) for number in (1, 2)))
    (tmp_path / "integration.toml").write_text(CONFIG)
    desk = Desk(tmp_path)
    done = desk.type("integrate")
    assert done.returncode == 0, done.stderr
    assert verdicts(desk.record()) == {1: "integrated", 2: "culprit"}

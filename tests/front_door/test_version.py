"""The version: one number, wherever it is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sessions import __version__
from sessions.baseline import baseline
from sessions.ledger.record_file import SCHEMA, parse_record
from sessions.main import run_init, run_session
from sessions.reporting.html import page
from tests.reporting.big_day import big_day

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("words", [["--version"], ["--plan", "--version"]])
def test_each_session_prints_the_version_and_does_nothing_else(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_session(baseline, "baseline", words, tmp_path) is None
    assert run_init(words[-1:], tmp_path) is None
    assert capsys.readouterr().out == f"Integrand {__version__}\n" * 2
    assert not list(tmp_path.iterdir())


def test_the_version_stands_in_one_place_and_in_the_changelog() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert f"## {__version__} (" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    holders = [path for path in (ROOT / "sessions").rglob("*.py") if f'"{__version__}"' in path.read_text("utf-8")]
    assert holders == [ROOT / "sessions" / "__init__.py"]


def test_the_schema_describes_the_records_version() -> None:
    described = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert described["properties"]["integrand"]["type"] == "string"
    assert "integrand" not in described["required"]  # records of before 1.0.0 stay valid


@pytest.mark.parametrize(("version", "footer"), [({"integrand": "1.2.3"}, " 1.2.3."), ({}, ".")])
def test_the_report_names_the_version_that_wrote_the_record(
    version: dict[str, str], footer: str, tmp_path: Path
) -> None:
    assert f"<footer>Written by Integrand{footer}" in page(parse_record(big_day(5) | version), tmp_path)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults import blamed_for_nothing, faults, judge, main
from tests.repositories import Builder

DAY = faults(4)


def ticket(number: int, gate: str, test: str, *partners: int) -> dict[str, Any]:
    return {"number": number, "verdict": "culprit", "broke": [{"gate": gate, "test": test, "with": list(partners)}]}


def record(*out: dict[str, Any]) -> dict[str, Any]:
    rates = {"tests/test_manylinux.py::test_newest_policy_comes_first": {"fails": 3, "runs": 9}}
    return {"tickets": list(out), "gates": {"pytest": {"flaky_rates": rates}}}


RIGHT = (
    ticket(905, "pytest", "tests/test_metadata.py::TestMetadata.test_invalid_license_files[a.b]"),
    ticket(835, "pytest", "tests/test_metadata.py::TestMetadata.test_invalid_summary"),
    ticket(879, "pytest", "tests/test_utils.py::test_is_normalized_name[Foo.Bar-foo-bar]", 907),
    ticket(908, "docs", "docs"),
)


def test_a_day_that_names_all_is_right() -> None:
    assert [each.found for each in judge(record(*RIGHT), DAY) if not each.right] == []
    assert blamed_for_nothing(record(*RIGHT), DAY) == []


def test_a_missed_partner_and_an_innocent_ticket_are_told() -> None:
    alone = ticket(879, "pytest", "tests/test_utils.py::test_is_normalized_name[Foo.Bar-foo-bar]")
    told = judge(record(*RIGHT[:2], alone, RIGHT[3]), DAY)
    assert [each.fault.name for each in told if not each.right] == ["a pair"]
    flake = ticket(837, "pytest", "tests/test_manylinux.py::test_newest_policy_comes_first")
    assert blamed_for_nothing(record(*RIGHT, flake), DAY) == [
        "#837: culprit",
        "#837: tests/test_manylinux.py::test_newest_policy_comes_first",
    ]


def test_a_clone_without_the_pull_requests_gets_one_sentence(
    builder: Builder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    builder.commit({"a.txt": "a"})
    assert main(["--repository", str(builder.path)]) == 1
    assert "fetch `refs/pull/891/head`" in capsys.readouterr().err
    assert main(["--repository", str(builder.path), "--json", str(tmp_path / "no" / "file")]) == 1
    assert "there is no folder" in capsys.readouterr().err

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.gates.results import TestId
from sessions.ledger.record import RECORD_VERSION, CheckKind, Purpose, Record, State
from sessions.ledger.record_file import (
    SCHEMA,
    load_record,
    parse_record,
    read_record,
    record_data,
    record_text,
    save_record,
    write_whole,
)
from sessions.ledger.record_schema import record_schema
from sessions.terminal.errors import UsageError
from sessions.tickets.model import Verdict
from tests.reporting.big_day import big_day

PLAIN = parse_record(big_day(2))


def record(date: str = "2024-05-01", base: str = PLAIN.base, message: str = "") -> Record:
    return replace(PLAIN, date=date, base=base, message=message)


def test_a_saved_record_is_the_newest_one(tmp_path: Path) -> None:
    for day in ("2024-05-01", "2024-05-02", "2024-05-01"):
        save_record(record(date=day), tmp_path / "days" / day)
        assert load_record(tmp_path) == record(date=day)
        assert (tmp_path / "latest").readlink() == Path("days") / day
    assert sorted(path.name for path in tmp_path.iterdir()) == ["days", "latest"]
    assert sorted(path.name for path in (tmp_path / "days").iterdir()) == ["2024-05-01", "2024-05-02"]
    assert [path.name for path in (tmp_path / "days" / "2024-05-02").iterdir()] == ["run.json"]


@pytest.mark.parametrize(("base", "newest"), [("a", "2024-05-01"), ("b", "2024-05-01-part")])
def test_a_part_of_a_day_never_hides_the_whole_day_of_its_release(tmp_path: Path, base: str, newest: str) -> None:
    part = tmp_path / "days" / "2024-05-01-part"
    save_record(record(base=base), part)
    assert (tmp_path / "latest").resolve() == part
    save_record(record(base="a"), tmp_path / "days" / "2024-05-01")
    save_record(record(base=base), part)
    assert (tmp_path / "latest").resolve().name == newest


def test_a_state_folder_may_be_moved_with_its_records(tmp_path: Path) -> None:
    save_record(record(), tmp_path / "old" / "days" / "2024-05-01")
    (tmp_path / "old").rename(tmp_path / "new")
    assert load_record(tmp_path / "new") == record()


def test_what_a_killed_call_left_half_done_is_in_nobodys_way(tmp_path: Path) -> None:
    folder = tmp_path / "days" / "2024-05-01"
    folder.mkdir(parents=True)
    (folder / "run.json.half").write_text('{"version":')
    (tmp_path / "latest.half").symlink_to("nowhere")
    save_record(record(), folder)
    assert load_record(tmp_path) == record()
    assert [path.name for path in folder.iterdir()] == ["run.json"]


def test_a_reader_never_finds_half_a_record_nor_none(tmp_path: Path) -> None:
    folders = [tmp_path / "days" / day for day in ("2024-05-01", "2024-05-02")]
    save_record(record(), folders[0])
    done = threading.Event()

    def write() -> None:
        for number in range(200):
            save_record(record(message="word " * number * 20), folders[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(len(load_record(tmp_path).message))
    writer.join()
    assert len(seen) > 1


@settings(deadline=None)  # disks may be slow
@given(st.text(st.characters(exclude_categories=["Cs"]) | st.integers(0xDC80, 0xDCFF).map(chr)))
def test_paths_that_are_no_utf_8_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, words: str) -> None:
    folder = tmp_path_factory.mktemp("record")
    save_record(record(message=words), folder / "days" / "2024-05-01")
    assert load_record(folder) == record(message=words)
    write_whole(folder / "report.md", words)
    assert (folder / "report.md").read_bytes() == words.encode("utf-8", "backslashreplace")


def test_a_state_folder_without_a_run_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no run yet in .*: type `nox -s integrate` first\.$"):
        load_record(tmp_path)


@pytest.mark.parametrize("content", [b"", b'{"version": 1', b"\xff\xfe", b"nonsense", b"[]", b"null", b'"words"'])
def test_a_record_that_cannot_be_read_is_told_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "run.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"run\.json cannot be read \(.+\): type `nox -s integrate`") as caught:
        load_record(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("version", [RECORD_VERSION + 1, 0, None, "1"])
def test_a_record_of_another_version_is_refused(tmp_path: Path, version: object) -> None:
    path = tmp_path / "latest" / "run.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"version": version}))
    with pytest.raises(UsageError, match=rf"has version {version}, and this Integrand reads {RECORD_VERSION}\)"):
        load_record(tmp_path)


# The conversion


@pytest.mark.parametrize("seed", range(3))
def test_a_record_is_the_same_after_it_was_written_and_read(seed: int, tmp_path: Path) -> None:
    day = parse_record(big_day(60, seed=seed))
    save_record(day, tmp_path / "days" / "2024-05-01")
    assert read_record(tmp_path / "days" / "2024-05-01" / "run.json") == day
    assert record_text(parse_record(record_data(day))) == record_text(day)


def test_the_schema_is_made_from_the_classes_and_describes_what_is_written() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == record_schema(), (
        "type: python -m sessions.ledger.record_schema"
    )
    jsonschema.Draft202012Validator.check_schema(record_schema())
    validator = jsonschema.Draft202012Validator(record_schema())
    written = record_data(parse_record(big_day(60)))
    validator.validate(written)
    for verdict in Verdict:
        written["tickets"][0]["verdict"] = str(verdict)
        validator.validate(written)
    wrongs: list[dict[str, Any]] = [
        {"state": "blue"},
        {"head": "x"},
        {"order": ["1"]},
        {"colour": "red"},
        {"tickets": [{}]},
    ]
    for wrong in wrongs:
        assert list(validator.iter_errors(written | wrong)), wrong


def change(data: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The record with another value at a path such as ``tickets.0.verdict``; without it where the value is ``...``."""
    *folders, last = path.split(".")
    place: Any = data
    for each in folders:
        place = place[int(each) if isinstance(place, list) else each]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("state", "blue", r"^state: 'blue' is not a valid State$"),
        ("tickets.0.verdict", "maybe", r"^tickets\[0\]\.verdict: 'maybe' is not a valid Verdict$"),
        ("tickets.0.number", "7", r"^tickets\[0\]\.number: must be a whole number$"),
        ("tickets.0.number", True, r"^tickets\[0\]\.number: must be a whole number$"),
        ("tickets.1.title", None, r"^tickets\[1\]\.title: must be text$"),
        ("complete", "yes", r"^complete: must be true or false$"),
        ("timings.seconds", "1", r"^timings\.seconds: must be a number$"),
        ("probes.0.gate", 5, r"^probes\[0\]\.gate: must be text$"),
        ("base", ..., r"base.*missing"),
        ("tickets", {}, r"^tickets: must be a list$"),
        ("asked", "doctest", r"^asked: must be a list$"),
        ("gates", [], r"^gates: "),
    ],
)
def test_what_is_wrong_in_a_record_is_named_with_its_place(path: str, value: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        parse_record(change(record_data(PLAIN), path, value))
    assert "\n" not in str(caught.value)


def test_a_record_of_an_older_version_is_read() -> None:
    old = record_data(parse_record(big_day(40)))
    for probe in old["probes"]:
        for new in ("purpose", "check", "built"):
            del probe[new]
    old["probes"] = [
        {**old["probes"][0], "why": "on 10.5.beta3 itself", "tickets": []},
        {**old["probes"][1], "why": "with 3 tickets up to #3", "tickets": [1]},
        {**old["probes"][1], "why": "again for flakes", "tickets": [1]},
        {**old["probes"][1], "why": "on the head", "tickets": [1], "gate": "build", "failed": ["build"]},
    ]
    for ticket in old["tickets"]:
        for broke in ticket["broke"]:
            for new in ("check", "kind", "expected", "file", "commit", "tree", "command", "image"):
                broke.pop(new, None)
    for new in ("setup", "images", "integrand", "trunk", "blockers"):
        del old[new]
    old["published"] = {"image": "example.org/sage@sha256:01"}
    found = parse_record(old)
    assert [each.purpose for each in found.probes] == [Purpose.RELEASE, Purpose.SEARCH, Purpose.FLAKES, Purpose.HEAD]
    assert [each.check for each in found.probes] == [CheckKind.GATE, CheckKind.GATE, CheckKind.GATE, CheckKind.BUILD]
    assert [each.built for each in found.probes] == [True, True, True, False]
    assert found.published.image is not None
    assert found.published.image.reference == "example.org/sage@sha256:01"
    assert (found.setup, found.images) == (None, ())
    broken = next(broke for ticket in found.tickets for broke in ticket.broke)
    assert (broken.check, broken.kind, broken.expected) == (CheckKind.GATE, "failed", 0)


@given(st.builds(TestId, st.text(max_size=20), st.text(max_size=20), st.text(max_size=20)))
def test_the_name_of_a_test_is_the_same_after_it_was_read(test: TestId) -> None:
    assert str(TestId.parse(str(test))) == str(test)


def test_a_state_is_decided_where_all_gates_have_run() -> None:
    assert [state for state in State if state.is_decided] == [State.GREEN, State.RED]

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.ledger.record import RECORD_VERSION, load_record, save_record, write_whole
from sessions.terminal.errors import UsageError


def record(**more: object) -> dict[str, Any]:
    return {"version": RECORD_VERSION, **more}


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
    save_record(record(words=""), folders[0])
    done = threading.Event()

    def write() -> None:
        for number in range(200):
            save_record(record(words="word " * number * 20), folders[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(len(load_record(tmp_path)["words"]))
    writer.join()
    assert len(seen) > 1


@settings(deadline=None)  # disks may be slow
@given(st.text(st.characters(exclude_categories=["Cs"]) | st.integers(0xDC80, 0xDCFF).map(chr)))
def test_paths_that_are_no_utf_8_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, words: str) -> None:
    folder = tmp_path_factory.mktemp("record")
    save_record(record(words=words), folder / "days" / "2024-05-01")
    assert load_record(folder) == record(words=words)
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
    save_record({"version": version}, tmp_path / "days" / "2024-05-01")
    with pytest.raises(UsageError, match=rf"has version {version}, and this Integrand reads {RECORD_VERSION}\.$"):
        load_record(tmp_path)

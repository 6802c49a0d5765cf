from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.merges import main
from tests.repositories import Builder, lines

KEYS = {
    *("merged", "conflicts", "tree_equal", "differs", "differs_since", "differs_meanwhile", "ignore"),
    *("ms_per_merge", "releasemgr_ms_per_merge", "plumbing_ms_per_merge", "parties", "parties_agree"),
    *("growth", "releasemgr_ratio", "load", "git", "repository", "head", "from", "to", "limit", "commits", "carried"),
}
CONFIGURE = "build/pkgs/configure/checksums.ini"


class Manager:
    """A release manager: two tickets, and a beta between them that the second one was begun on."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        start = builder.commit({"a.txt": lines(), "b.txt": lines(), "old.txt": "old", "VERSION.txt": "1.0"})
        builder.tag("1.0")
        self.first = builder.commit({"a.txt": lines((3, "three"))}, start, branch="u/jane/three")

    def merge(self, subject: str, commit: str, files: dict[str, str], by_hand: dict[str, str] | None = None) -> str:
        return self.builder.commit(files | (by_hand or {}), "main", commit, message=f"{subject}\n\nWhat it is for.")

    def release(self, by_hand: dict[str, str] | None = None) -> list[str]:
        first = self.merge("Trac #7: Three", self.first, {"a.txt": lines((3, "three"))}, {CONFIGURE: "amended"})
        changes = {"VERSION.txt": "1.1.beta0", "old.txt": None, CONFIGURE: "1.1.beta0"}
        bump = self.builder.commit(changes, message="Updated version to 1.1.beta0")
        self.builder.tag("1.1.beta0")
        ticket = self.builder.commit({"b.txt": lines((9, "nine"))}, bump, branch="u/john/nine")
        second = self.merge("gh-9: Nine", ticket, {"b.txt": lines((9, "nine"))}, by_hand)
        self.builder.commit({"VERSION.txt": "1.1"}, message="Updated version to 1.1")
        self.builder.tag("1.1")
        return [first, bump, second]


@pytest.fixture
def manager(builder: Builder) -> Manager:
    return Manager(builder)


def bench(builder: Builder, *words: str) -> dict[str, Any]:
    figures = builder.path.parent / "figures.json"
    call = ["--repository", str(builder.path), "--from", "1.0", "--to", "1.1", "--json", str(figures), *words]
    assert main(call) == 0
    record = json.loads(figures.read_text(encoding="utf-8"))
    assert isinstance(record, dict)
    return record


def test_history_is_merged_again_and_comes_to_the_same(
    manager: Manager, builder: Builder, capsys: pytest.CaptureFixture[str]
) -> None:
    first, bump, second = manager.release()
    record = bench(builder)
    assert record.keys() == KEYS
    assert (record["merged"], record["conflicts"], record["limit"]) == (2, 0, 100)
    assert (record["tree_equal"], record["differs"], record["parties_agree"]) == (True, [], True)
    assert record["differs_meanwhile"] == [CONFIGURE]  # amended into the first merge, then bumped
    assert (record["commits"], record["carried"]) == ([first, second], [bump])
    assert record["head"] == builder.git("rev-parse", "HEAD")
    assert record["from"]["commit"] == builder.git("rev-parse", "1.0^{commit}")
    assert all(record[key] > 0 for key in KEYS if key.endswith("ms_per_merge"))
    out = capsys.readouterr().out
    assert "git releasemgr" in out
    assert "equal to history's but for build/pkgs/configure/*" in out


def test_the_growth_is_told_up_to_where_each_party_came(
    manager: Manager, builder: Builder, capsys: pytest.CaptureFixture[str]
) -> None:
    manager.release()
    record = bench(builder, "--at", "1,2,9", "--releasemgr", "1")
    assert {name: list(marks) for name, marks in record["growth"].items()} == {
        "Integrand": ["1", "2"],
        "git releasemgr": ["1"],
        "git plumbing": ["1", "2"],
    }
    assert record["parties"]["git releasemgr"]["merged"] == 1
    assert (record["parties_agree"], record["releasemgr_ratio"] > 0) == (True, True)
    assert "git plumbing, 2 tickets: " in capsys.readouterr().out


def test_what_was_put_into_a_merge_by_hand_differs(manager: Manager, builder: Builder) -> None:
    manager.release(by_hand={"a.txt": lines((3, "three"), (20, "by hand"))})
    record = bench(builder)
    assert (record["tree_equal"], record["differs"]) == (False, ["a.txt"])
    assert record["differs_since"] == {"a.txt": "gh-9: Nine"}
    assert bench(builder, "--ignore", "a.*")["tree_equal"]


def test_files_that_release_managers_change_are_listed_but_ignored(manager: Manager, builder: Builder) -> None:
    manager.release()
    record = bench(builder, "--limit", "1")
    assert (record["merged"], record["tree_equal"], record["differs"]) == (1, True, [CONFIGURE])
    assert record["carried"] == []


def test_a_clash_that_a_person_resolved_is_a_conflict_for_all(manager: Manager, builder: Builder) -> None:
    clash = builder.commit({"a.txt": lines((3, "drei"))}, "1.0", branch="u/jim/drei")
    manager.merge("Trac #5: Drei", clash, {"a.txt": lines((3, "drei"))})
    manager.release()
    record = bench(builder)
    # Drei goes in first; then Three clashes with it.
    assert {name: (party["merged"], party["conflicts"]) for name, party in record["parties"].items()} == {
        "Integrand": (2, 1),
        "git releasemgr": (2, 1),
        "git plumbing": (2, 1),
    }
    assert (record["tree_equal"], record["differs"]) == (False, ["a.txt"])
    assert record["parties_agree"]


def test_the_repository_is_only_read(manager: Manager, builder: Builder) -> None:
    manager.release()
    before = snapshot(builder.path)
    bench(builder)
    assert snapshot(builder.path) == before


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--repository", "nowhere"], "is no git repository on this disk"),
        (["--repository", "."], "does not exist"),
        (["--from", "0.9"], "no tag '0.9'"),
        (["--to", "--upload-pack=x"], "expected one argument"),
        (["--to=-x"], "no tag '-x'"),
        (["--from", "1.1"], "Nothing to replay"),
        (["--limit", "0"], "'0' is not a whole number from 1 on"),
        (["--json", "no/such/folder.json"], "there is no folder"),
    ],
)
def test_bad_input_gets_one_sentence(
    manager: Manager,
    builder: Builder,
    tmp_path: Path,
    words: list[str],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    manager.release()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["--repository", str(builder.path), "--from", "1.0", "--to", "1.1", *words]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert captured.err.count("\n") == 1

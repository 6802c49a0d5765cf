"""A conflict that is solved once at a desk: recorded, used by the next day, shared, dropped where it breaks a test."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.main import run_resolve
from sessions.settings.options import Options
from sessions.terminal.console import Console
from tests.repositories import Builder, lines, run_git, ticket_table
from tests.stories.desk import own_config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONFIG = own_config(
    """[[gates]]
name = "check"
run = "sh check.sh"
""",
    ready=("ready",),
)
# A gate that fails where the two halves of a pair, or a bad resolution, are in the tree.
CHECK = "! grep -q broken a && { ! grep -q two b || ! grep -q one b || grep -q mended c; }\n"
REF = "refs/integrand/resolutions"
JANE = ["--author", "Jane <jane@example.org>"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A desk with five tickets: 1 and 2 conflict in ``a``, 4 and 5 break the gate together; 3 is on its own."""
    builder = Builder(tmp_path / "project.git")
    base = builder.commit({"a": lines(), "b": lines(), "c": "", "check.sh": CHECK})
    builder.tag("1.0")
    builder.commit({"a": lines((5, "one"))}, base, branch="t1")
    builder.commit({"a": lines((5, "two"), (20, "more"))}, base, branch="t2")
    builder.commit({"a": lines((28, "three"))}, base, branch="t3")
    builder.commit({"b": lines((5, "one"))}, base, branch="t4")
    builder.commit({"b": lines((25, "two"))}, base, branch="t5")
    write_tickets(tmp_path, 1, 2, 3)
    (tmp_path / "integration.toml").write_text(CONFIG)
    return tmp_path


def write_tickets(folder: Path, *numbers: int) -> None:
    (folder / "tickets.toml").write_text("\n".join(ticket_table(n, labels=["ready"]) for n in numbers))


def day(folder: Path, **more: Any) -> Mapping[str, Any]:
    common = {"config": folder / "integration.toml", "state": folder / ".integrand", "date": dt.date(2026, 11, 23)}
    return record_data(integrate(Options(**{**common, **more}), Console(to_stderr=True)))


def plan(folder: Path, **more: Any) -> Mapping[str, Any]:
    """The day's merges alone."""
    return day(folder, plan=True, **more)


def tickets(record: Mapping[str, Any]) -> dict[int, tuple[str, str]]:
    return {each["number"]: (each["verdict"], each["reason"]) for each in record["tickets"]}


def git(folder: Path, *words: str) -> str:
    return run_git(*words, cwd=folder / "project.git")


def solve_by_hand(folder: Path, text: str = "one and two\n") -> Path:
    """Open the conflict of #2, write ``text`` in its place, and record that."""
    assert run_resolve(["2"], folder) is None
    file = folder / ".integrand" / "resolve" / "2" / "a"
    before, rest = file.read_text().split("<<<<<<< HEAD\n")
    conflict, after = rest.split(">>>>>>> ticket-2\n")
    assert conflict == "one\n||||||| " + conflict.split("||||||| ")[1].split("\n")[0] + "\nline 5\n=======\ntwo\n"
    file.write_text(before + text + after)
    assert run_resolve(["--continue", *JANE], folder) is None
    return file


def test_a_conflict_is_solved_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tickets(plan(folder))[2] == ("conflict", "it conflicts with #1 in a")
    file = solve_by_hand(folder)
    said = capsys.readouterr().out
    assert "#2 T2 onto 1.0 and 1 ticket" in said
    assert "HEAD: #1 T1" in said
    assert "ticket-2: #2 T2" in said
    assert f"resolve {file}" in said
    assert f"not pushed without --publish: {REF}, refs/integrand/resolved/2" in said
    assert not file.parent.exists()
    assert plan(folder)["order"] == [1, 2, 3]
    record = day(folder)
    found = tickets(record)
    today = dt.datetime.now(dt.UTC).date().isoformat()
    clause = f"a as resolved by Jane on {today} (resolution "
    assert found[2][0] == found[1][0] == "integrated"
    assert found[2][1].startswith(f"its conflict with #1 is settled: {clause}")
    assert found[1][1].startswith(f"it goes with #2: {clause}")
    assert (record["state"], record["order"]) == ("green", [1, 2, 3])
    for number, with_ in ((2, [1]), (1, [1])):
        [used] = next(each for each in record["tickets"] if each["number"] == number)["resolutions"]
        assert (used["ticket"], used["with"], used["paths"], used["dropped"]) == (2, with_, ["a"], "")
        assert (used["author"], used["date"]) == ("Jane <jane@example.org>", today)
    mirror = next((folder / ".integrand" / "mirrors").glob("*.git"))
    text = run_git("show", f"{record['head']}:a", cwd=mirror)
    assert text + "\n" == lines((5, "one and two"), (20, "more"), (28, "three"))
    message = run_git("log", "--format=%B", "-1", f"{record['head']}^", cwd=mirror)
    assert f"Resolution: {clause}" in message
    assert not git(folder, "for-each-ref", "refs/integrand")


def test_what_is_recorded_is_shared_only_by_publishing(folder: Path) -> None:
    solve_by_hand(folder)
    assert run_resolve(["--publish"], folder) is None
    assert git(folder, "for-each-ref", "--format=%(refname)", "refs/integrand").split() == [
        REF,
        "refs/integrand/resolved/2",
    ]
    elsewhere = plan(folder, state=folder / "other-machine")
    assert tickets(elsewhere)[2][0] == "integrated"
    assert elsewhere["head"] == plan(folder)["head"]


def test_an_author_takes_the_ready_merge(folder: Path) -> None:
    solve_by_hand(folder)
    assert run_resolve(["--publish"], folder) is None
    ready = git(folder, "rev-parse", "refs/integrand/resolved/2")
    assert git(folder, "rev-parse", f"{ready}^1", f"{ready}^2").split() == [
        git(folder, "rev-parse", branch) for branch in ("t2", "t1")
    ]
    assert git(folder, "show", f"{ready}:a") + "\n" == lines((5, "one and two"), (20, "more"))
    assert "Jane" in git(folder, "log", "-1", "--format=%an", ready)
    # The author takes it: then the ticket merges without the memory.
    git(folder, "update-ref", "refs/heads/t2", ready)
    git(folder, "update-ref", "-d", REF)
    found = tickets(plan(folder, state=folder / "other-machine"))
    assert found[2][0] == "integrated"
    assert "Jane" not in found[2][1]


@pytest.mark.parametrize("branch", ["t1", "t2"])
def test_a_side_that_changed_by_one_byte_is_not_resolved(folder: Path, branch: str) -> None:
    solve_by_hand(folder)
    word = {"t1": "one", "t2": "two"}[branch]
    Builder.of(folder / "project.git").commit({"a": lines((5, f"{word}."))}, "1.0", branch=branch)
    assert tickets(plan(folder))[2] == ("conflict", "it conflicts with #1 in a")


def test_the_order_of_the_sides_does_not_matter(folder: Path) -> None:
    solve_by_hand(folder)
    tables = [ticket_table(n, labels=["ready"], **({"depends": "#2"} if n == 1 else {})) for n in (1, 2, 3)]
    (folder / "tickets.toml").write_text("\n".join(tables))
    record = plan(folder)
    assert record["order"].index(2) < record["order"].index(1)
    assert tickets(record)[1][1].startswith("its conflict with #2 is settled: a as resolved by Jane")


def test_a_resolution_that_breaks_a_test_is_dropped_and_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    solve_by_hand(folder, "broken\n")
    record = day(folder)
    found = tickets(record)
    assert (record["state"], record["order"]) == ("green", [1, 3])
    assert found[2][0] == "conflict"
    assert found[2][1].startswith("it conflicts with #1 in a; resolution ")
    assert "by Jane of " in found[2][1]
    assert "is dropped: with it, #2 breaks check" in found[2][1]
    assert found[1][0] == "integrated"
    assert "is dropped: with it, #2 breaks check" in found[1][1]
    recorded = [used["dropped"] for each in record["tickets"] for used in each["resolutions"]]
    assert recorded == ["with it, #2 breaks check"] * 2
    said = capsys.readouterr().err
    command = said.split("`nox -s resolve -- ")[1].split("`")[0].split()
    assert run_resolve(command, folder) is None
    assert tickets(plan(folder))[2] == ("conflict", "it conflicts with #1 in a")


def test_a_ticket_that_breaks_a_test_by_itself_is_blamed_and_not_its_resolution(folder: Path) -> None:
    Builder.of(folder / "project.git").commit({"a": lines((5, "two"), (20, "broken"))}, "1.0", branch="t2")
    solve_by_hand(folder)
    found = tickets(day(folder))
    assert found[2] == ("culprit", "it breaks check")
    assert "dropped" not in found[1][1]


def test_a_pair_that_breaks_something_without_a_conflict_gets_a_fix_up(folder: Path) -> None:
    write_tickets(folder, 4, 5)
    assert tickets(day(folder))[5] == ("culprit", "it breaks check together with #4")
    assert run_resolve(["5"], folder) is None
    (folder / ".integrand" / "resolve" / "5" / "c").write_text("mended\n")
    assert run_resolve(["--continue", *JANE], folder) is None
    record = day(folder)
    found = tickets(record)
    assert (record["state"], record["order"]) == ("green", [4, 5])
    assert found[5][1].startswith("its conflict with #4 is settled: c as fixed up by Jane")
    assert found[4][1].startswith("it goes with #5: c as fixed up by Jane")
    alone = plan(folder, without=(4,))
    assert tickets(alone)[5] == ("integrated", "")
    Builder.of(folder / "project.git").commit({"b": lines((5, "one"), (6, "."))}, "1.0", branch="t4")
    assert tickets(day(folder))[5] == ("culprit", "it breaks check together with #4")


def test_a_fix_up_that_mends_nothing_is_dropped(folder: Path) -> None:
    write_tickets(folder, 4, 5)
    day(folder)
    assert run_resolve(["5"], folder) is None
    (folder / ".integrand" / "resolve" / "5" / "c").write_text("useless\n")
    assert run_resolve(["--continue", *JANE], folder) is None
    record = day(folder)
    found = tickets(record)
    assert (record["state"], record["order"]) == ("green", [4])
    assert found[5][0] == "culprit"
    assert found[5][1].startswith("it breaks check together with #4; resolution ")
    assert "is dropped: with it, #5 breaks check" in found[5][1]
    assert "is dropped: with it, #5 breaks check" in found[4][1]


def test_the_best_set_counts_with_what_was_recorded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "integration.toml").write_text(CONFIG.replace("[tickets]\n", '[tickets]\nselect = "best"\n'))
    assert plan(folder)["order"] == [1, 3]
    solve_by_hand(folder)
    assert "#2 T2 onto 1.0 and 2 tickets" in capsys.readouterr().out
    assert plan(folder)["order"] == [1, 2, 3]


def test_mistakes_get_one_sentence(folder: Path) -> None:
    assert run_resolve([], folder) == "Name the ticket whose conflict to resolve: nox -s resolve -- 123."
    assert "No conflict is open" in str(run_resolve(["--continue"], folder))
    assert "There is no open ticket #9." in str(run_resolve(["9"], folder))
    assert "There is no run yet" in str(run_resolve(["3"], folder))
    day(folder)
    assert "#3 has nothing to resolve" in str(run_resolve(["3"], folder))
    assert run_resolve(["2"], folder) is None
    assert "#2 is open in " in str(run_resolve(["2"], folder))
    assert "still has conflict markers" in str(run_resolve(["--continue"], folder))
    assert run_resolve(["--abort"], folder) is None
    assert not (folder / ".integrand" / "resolve" / "2").exists()
    assert "There is no resolution abc" in str(run_resolve(["--forget", "abc"], folder))
    assert "is no range" in str(run_resolve(["--learn", "1.0"], folder))
    assert "no tag and no branch 'x'" in str(run_resolve(["--learn", "1.0..x"], folder))
    assert "cannot be read" in str(run_resolve(["--import", "nothing"], folder))
    assert "is no author" in str(run_resolve(["--import", "nothing", "--author", "x"], folder))


def test_the_cache_of_git_rerere_is_taken_over(folder: Path) -> None:
    clone = folder / "clone"
    run_git("clone", "--quiet", str(folder / "project.git"), str(clone), cwd=folder)
    run_git("config", "rerere.enabled", "true", cwd=clone)
    run_git("checkout", "--quiet", "-b", "mine", "origin/t2", cwd=clone)
    run_git("merge", "--quiet", "origin/t1", cwd=clone, ok=(1,))
    (clone / "a").write_text(lines((5, "as rerere has it"), (20, "more")))
    run_git("commit", "--quiet", "--all", "--message", "merge", cwd=clone)
    assert run_resolve(["--import", "clone/.git/rr-cache", *JANE], folder) is None
    record = plan(folder)
    assert "a as resolved by Jane" in tickets(record)[2][1]
    mirror = next((folder / ".integrand" / "mirrors").glob("*.git"))
    assert "as rerere has it" in run_git("show", f"{record['head']}:a", cwd=mirror)


def test_merges_that_were_made_teach(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder = Builder.of(folder / "project.git")
    tips = [git(folder, "rev-parse", name) for name in ("t1", "t2")]
    builder.commit({"a": lines((5, "as merged"), (20, "more"))}, *tips, branch="past", message="merge")
    assert run_resolve(["--learn", "1.0..past"], folder) is None
    assert "1 merge, 1 of them with conflicts: 1 resolution learnt." in capsys.readouterr().out
    found = tickets(plan(folder))
    assert found[2][1].startswith("its conflict with #1 is settled: a as resolved by A on 2026-01-01")
    assert run_resolve(["--list"], folder) is None
    said = capsys.readouterr().out
    assert "hunk a: A <a@example.org>, 2026-01-01 (merge " in said
    assert "Kept: 1 resolution." in said

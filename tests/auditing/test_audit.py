from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from sessions.auditing.branch_audit import audit_branch
from sessions.auditing.branch_steps import AllowedCommits
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError
from sessions.tickets.trackers import merge_subjects
from tests.auditing.history import Project
from tests.repositories import Builder, lines, run_git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sessions.auditing.branch_audit import Audit

# The part of the slow trials that CI makes; all of them at a desk, or with INTEGRAND_LOSSES=1.
PART = float(os.environ.get("INTEGRAND_LOSSES", "0.25" if os.environ.get("CI") == "true" else "1"))
LINE, SPARE = tuple(range(1, 9)), 9


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.grow(tmp_path_factory.mktemp("audit") / "project.git", 12, seed=5)


@dataclass(frozen=True)
class Loss:
    """A branch with a loss, and what the audit must say: a kind of fault, a file, and the tickets that it names."""

    head: str
    kind: str
    path: str
    tickets: frozenset[str]


def sow(project: Project, change: Callable[[str], dict[str, str | None]], at: int, *, as_merge: bool) -> str:
    """The head of a line in which the step ``at``, or a commit after it, changes more than its ticket."""
    made = project.line(LINE)
    honest = made[at]
    tree = project.changed(honest, change(honest))
    parents = project.builder.git("rev-parse", f"{honest}^@").split()
    subject = project.builder.git("log", "-1", "--format=%s", honest)
    broken = project.commit(tree, *(parents if as_merge else [honest]), message=subject if as_merge else "tidy up")
    return (project.line(LINE[at + 1 :], onto=broken) or [broken])[-1]


def revert_a_hunk(project: Project) -> Loss:
    at = project.chance.randrange(len(LINE))
    number = LINE[project.chance.randrange(at + 1)]
    path, line = project.chance.choice(project.hunks[number])

    def change(commit: str) -> dict[str, str | None]:
        text = project.read(commit, path)
        assert f"ticket {number}, line {line}\n" in text
        return {path: text.replace(f"ticket {number}, line {line}\n", f"line {line}\n")}

    head = sow(project, change, at, as_merge=project.chance.random() < 0.5)
    return Loss(head, "missing", path, frozenset({f"#{number}"}))


def lose_a_file(project: Project) -> Loss:
    at = project.chance.randrange(2, len(LINE))
    number = project.chance.choice([n for n in LINE[: at + 1] if n in project.new])
    path = project.chance.choice((project.new[number], "VERSION", 'naïve "name"\t'))
    head = sow(project, lambda _: {path: None}, at, as_merge=project.chance.random() < 0.5)
    is_new = path == project.new[number]
    return Loss(head, "missing" if is_new else "stray", path, frozenset({f"#{number}"} if is_new else ()))


def stray_change(project: Project) -> Loss:
    at = project.chance.randrange(len(LINE))
    path = project.chance.choice(("src/f0", "src/f3", "new/stray", "VERSION"))

    def change(commit: str) -> dict[str, str | None]:
        return {path: (project.read(commit, path) if path in project.files(commit) else "") + "stray\n"}

    head = sow(project, change, at, as_merge=project.chance.random() < 0.5)
    return Loss(head, "stray", path, frozenset())


def foreign_commit(project: Project) -> Loss:
    """A merge that brings another ticket's commit, or that one's commit picked onto the line."""
    at = project.chance.randrange(len(LINE))
    made = project.line(LINE)
    before, number = made[at - 1] if at else project.release, LINE[at]
    path = project.hunks[SPARE][0][0]
    way = project.chance.randrange(3)
    if way == 0:  # the other ticket's branch, under this one's name
        other = project.line([SPARE], onto=before)[0]
        broken = project.commit(project.tree(other), before, project.tips[SPARE], message=f"#{number}: T{number}")
    elif way == 1:  # this ticket's branch, continued with the other's
        both = project.line([SPARE], onto=project.tips[number])[0]
        tree = project.tree(project.line([number, SPARE], onto=before)[-1])
        broken = project.commit(tree, before, both, message=f"#{number}: T{number}")
    else:
        picked = project.line([SPARE], onto=made[at])[0]
        broken = project.commit(project.tree(picked), made[at], message="pick one more")
    return Loss((project.line(LINE[at + 1 :], onto=broken) or [broken])[-1], "", path, frozenset())


def wrong_base(project: Project) -> Loss:
    """As in a merge queue's incident of April 2026: merged on a base that is not the line, so that others are gone."""
    at = project.chance.randrange(1, len(LINE))
    made = project.line(LINE)
    number, before = LINE[at], made[at - 1]
    lost = LINE[project.chance.randrange(at)]
    start = made[LINE.index(lost) - 1] if LINE.index(lost) else project.release
    alone = project.line([number], onto=start)[0]
    parents = (before, project.tips[number]) if project.chance.random() < 0.5 else (before,)
    broken = project.commit(project.tree(alone), *parents, message=f"T{number} (#{number})")
    head = (project.line(LINE[at + 1 :], onto=broken) or [broken])[-1]
    path, _ = project.hunks[lost][0]
    return Loss(head, "missing", path, frozenset({f"#{lost}"}))


LOSSES = (revert_a_hunk, lose_a_file, stray_change, foreign_commit, wrong_base)


def check_loss(project: Project, make: Callable[[Project], Loss], *, strict: bool) -> None:
    loss = make(project)
    found = project.audit(loss.head, LINE, strict=strict)
    assert found.faults, make
    if make is foreign_commit:
        return
    told = [fault for fault in found.faults if fault.kind == loss.kind and fault.path == loss.path]
    assert any(loss.tickets <= {*fault.tickets} for fault in told), (loss, found.faults)


@pytest.mark.parametrize("make", LOSSES)
def test_a_loss_is_found_with_its_ticket_and_file(project: Project, make: Callable[[Project], Loss]) -> None:
    for _ in range(3):
        check_loss(project, make, strict=True)


@pytest.mark.slow
def test_200_of_200_losses_are_found(project: Project) -> None:
    for place in range(round(200 * PART)):
        make = LOSSES[place % len(LOSSES)]
        # A foreign branch may hold any known ticket in any way; picking one whole is no loss there.
        check_loss(project, make, strict=make is foreign_commit or place % 2 == 0)


def test_a_clean_line_raises_no_alarm(project: Project) -> None:
    head = project.line(LINE)[-1]
    for found in (project.audit(head, LINE, strict=strict) for strict in (True, False)):
        assert (found.faults, found.by_hand) == ((), ())
        assert [claim.owner for _, claim in found.steps] == [f"#{number}" for number in LINE]
        assert found.verdict == "each of 8 steps is what plain git makes of its ticket"


def test_each_difference_from_the_release_has_its_ticket(project: Project) -> None:
    found = project.audit(project.line(LINE)[-1], LINE, strict=True)
    told = {(each.path, each.lines): each.tickets for each in found.differences}
    wanted = {(path, str(line)): (f"#{n}",) for n in LINE for path, line in project.hunks[n]}
    wanted |= {(path, "1-2"): (f"#{n}",) for n, path in project.new.items() if n in LINE}
    assert told == wanted


@pytest.mark.slow
def test_400_clean_merges_raise_no_alarm(tmp_path: Path) -> None:
    project = Project.grow(tmp_path / "project.git", round(400 * PART), seed=6)
    numbers = tuple(project.tips)
    found = project.audit(project.line(numbers)[-1], numbers, strict=True)
    assert (found.faults, len(found.steps)) == ((), len(numbers))


def test_a_ticket_that_is_not_merged_is_missed(project: Project) -> None:
    found = project.audit(project.line(LINE[:-1])[-1], LINE, strict=True)
    assert [(fault.kind, fault.text) for fault in found.faults] == [("absent", "#8 is not merged")]


def other_branch(project: Project, *steps: tuple[str, tuple[str, ...], str]) -> Audit:
    """Audit what somebody else's merge queue made: trees with further parents and a subject."""
    head = project.release
    for tree, merged, subject in steps:
        head = project.commit(tree, head, *merged, message=subject)
    return project.audit(head, (), strict=False)


def test_a_squashed_and_a_rebased_ticket_are_recognised(project: Project) -> None:
    both = project.line([3, 4])
    first = project.builder.git("rev-parse", f"{project.tips[4]}^")
    names = project.builder.git("diff-tree", "-r", "-z", "--name-only", "--no-commit-id", first).split("\0")[:-1]
    part = project.changed(both[0], {name: project.read(first, name) for name in names})
    steps = ((project.tree(both[0]), (), "Three (#3)"), (part, (), "begin 4"), (project.tree(both[1]), (), "t4 9"))
    found = other_branch(project, *steps)
    assert found.faults == ()
    assert [claim.owner for _, claim in found.steps] == ["#3", "#4", "#4"]
    half = other_branch(project, *steps[:2])
    assert [(fault.kind, fault.tickets) for fault in half.faults] == [("missing", ("#4",))]


def test_a_merge_is_recognised_by_the_last_line_of_its_message_as_gitlab_writes_it(project: Project) -> None:
    first = project.builder.git("rev-parse", f"{project.tips[4]}^")  # at which no ticket's branch is
    names = project.builder.git("diff-tree", "-r", "-z", "--name-only", "--no-commit-id", first).split("\0")[:-1]
    tree = project.changed(project.release, {name: project.read(first, name) for name in names})

    def claim(number: int) -> tuple[str, str]:
        message = f"Merge branch 'fix' into 'main'\n\nFix it\n\nSee merge request group/project!{number}"
        ((step, found),) = other_branch(project, (tree, (first,), message)).steps
        return step.subject, f"{found.owner} {found.fault}"

    assert claim(4) == ("Merge branch 'fix' into 'main'", "#4 ")
    assert claim(3)[1].endswith(f"merges {first[:10]}, which is not in the branch of #3")


def test_a_conflict_resolved_by_hand_is_told_and_what_it_loses_beside_is_found(tmp_path: Path) -> None:
    project = Project.grow(tmp_path / "project.git", 2, seed=1)
    ours = {"src/f1": lines((10, "ours"), (50, "kept"), count=120)}
    theirs = {"src/f1": lines((10, "theirs"), (90, "more"), count=120)}
    project.tips = {
        7: project.builder.commit(dict(ours), project.release, branch="t7"),
        8: project.builder.commit(dict(theirs), project.release, branch="t8"),
    }
    merged = (project.tree(project.tips[7]), (project.tips[7],), "#7: ours")

    def resolved(*changes: tuple[int, str]) -> Audit:
        text = lines(*changes, count=120)
        tree = project.changed(project.tips[7], {"src/f1": text})
        return other_branch(project, merged, (tree, (project.tips[8],), "#8: theirs"))

    good = resolved((10, "ours and theirs"), (50, "kept"), (90, "more"))
    assert (good.faults, [paths for _, paths in good.by_hand]) == ((), [("src/f1",)])
    strict = project.audit(good.end, (7, 8), strict=True)
    assert [(fault.kind, fault.path) for fault in strict.faults] == [("claim", "src/f1")]
    for lost in (((50, "kept"),), ((90, "more"),)):
        bad = resolved((10, "ours and theirs"), *lost)
        assert [(fault.kind, fault.path) for fault in bad.faults] == [("missing", "src/f1")]


def test_what_a_merge_adds_beside_its_ticket_is_nobodys_afterwards(tmp_path: Path) -> None:
    """Sage's release manager writes checksums into some merges, and replaces them in later ones."""
    project = Project.grow(tmp_path / "project.git", 4, seed=1)

    def step(onto: str, number: int, checksum: str) -> str:
        merged = project.line([number], onto=onto)[0]
        tree = project.changed(merged, {"checksum": f"{checksum}\n"})
        return project.commit(tree, onto, project.tips[number], message=f"#{number}: merged")

    one = step(project.release, 1, "a1")
    two = project.line([2], onto=one)[0]
    found = project.audit(step(two, 3, "b2"), (), strict=False)
    assert [(fault.kind, fault.path, fault.tickets) for fault in found.faults] == [("stray", "checksum", ())] * 2
    assert [each.tickets for each in found.differences if each.path == "checksum"] == [()]


def test_a_merge_from_one_of_several_merge_bases_is_told_and_is_no_fault(tmp_path: Path) -> None:
    project = Project.grow(tmp_path / "project.git", 2, seed=1)

    def step(head: str, merged: str, subject: str, *changes: tuple[int, str]) -> str:
        tree = project.changed(head, {"src/f1": lines(*changes, count=120)})
        return project.commit(tree, head, merged, message=subject)

    def ticket(number: int, change: tuple[int, str]) -> str:
        return project.builder.commit({"src/f1": lines(change, count=120)}, project.release, branch=f"t{number}")

    six, seven = ticket(6, (30, "six")), ticket(7, (60, "seven"))
    one = step(project.release, six, "#6: six", (30, "six"))
    # Ticket 8 has merged 7, and taken its change out again. So it and the branch with 7 have the merge bases `one` and
    # `seven`: from both, git takes the change out of the branch; from `one` alone, it stays.
    eight = step(one, seven, "mine", (30, "six"), (90, "eight"))
    project.tips = {6: six, 7: seven, 8: eight}
    two = step(one, seven, "#7: seven", (30, "six"), (60, "seven"))
    found, plain, wrong = (
        project.audit(step(two, eight, "#8: eight", *changes), (6, 7, 8), strict=False)
        for changes in (
            ((30, "six"), (60, "seven"), (90, "eight")),
            ((30, "six"), (90, "eight")),
            ((60, "seven"), (90, "eight")),
        )
    )
    assert [(each.base, each.paths) for each in found.one_base] == [(one, ("src/f1",))]
    assert found.record()["one_base"][0]["commit"] == found.end
    assert (found.faults, plain.faults, plain.one_base) == ((), (), ())
    assert {fault.tickets for fault in wrong.faults} == {("#6",), ("#8",)}
    assert project.audit(found.end, (6, 7, 8), strict=True).faults


def test_what_was_pushed_before_a_ticket_began_is_not_that_tickets(tmp_path: Path) -> None:
    project = Project.grow(tmp_path / "project.git", 1, seed=1)
    stray = project.commit(project.changed(project.release, {"stray": "x\n"}), project.release, message="pushed")
    late = project.builder.commit({"late": "x\n"}, stray, branch="t2")
    project.tips[2] = late
    merged = project.commit(project.tree(late), stray, late, message="#2: late")
    found = project.audit(merged, (), strict=False)
    assert [(fault.kind, fault.path) for fault in found.faults] == [("stray", "stray")]
    assert [claim.owner for _, claim in found.steps] == ["", "#2"]


def test_a_ticket_to_which_the_branch_was_fast_forwarded_is_recognised(tmp_path: Path) -> None:
    project = Project.grow(tmp_path / "project.git", 1, seed=1)
    first = project.builder.commit({"src/f1": lines((10, "one"), count=120)}, project.release, branch="t2")
    project.tips[2] = project.builder.commit({"src/f1": lines((10, "two"), count=120)}, first, branch="t2")
    found = project.audit(project.tips[2], (), strict=False)
    assert found.faults == ()
    assert [claim.owner for _, claim in found.steps] == ["#2", "#2"]


def test_an_audit_needs_a_branch_on_the_release(project: Project) -> None:
    with pytest.raises(SourceError, match="does not contain"):
        project.audit(project.builder.git("rev-parse", f"{project.release}^"), LINE, strict=True)


def test_a_shallow_history_is_audited_as_far_as_it_goes(tmp_path: Path) -> None:
    """The parents of the commits at which the ticket began, and at which an older branch did, are not there."""
    builder = Builder(tmp_path / "project.git")
    first = builder.commit({"a": lines()})
    old = builder.commit({"c": "c\n"}, first, branch="old")
    start = builder.commit({"b": "b\n"})
    release = builder.commit({"a": lines((5, "released")), "c": "c\n"}, start, old)
    tip = builder.commit({"a": lines((25, "one"))}, start, branch="t1")
    head = builder.commit({"a": lines((5, "released"), (25, "one"))}, release, tip, message="#1: One")
    here = tmp_path / "shallow.git"
    run_git("clone", "--quiet", "--bare", "--depth=3", f"file://{builder.path}", str(here), cwd=tmp_path)
    assert (here / "shallow").is_file()
    known = AllowedCommits(tickets={1: tip}, subjects=merge_subjects(), strict=True)
    found = audit_branch(Repository.open(here), release, head, known)
    assert (found.faults, found.by_hand) == ((), ())


def test_an_audit_writes_nothing_into_the_repository(project: Project) -> None:
    head = project.line(LINE)[-1]
    before = project.builder.git("count-objects", "-v"), project.builder.git("for-each-ref")
    project.audit(head, LINE, strict=True)
    assert (project.builder.git("count-objects", "-v"), project.builder.git("for-each-ref")) == before
    assert Repository.open(project.builder.path).git("fsck", "--connectivity-only").status == 0

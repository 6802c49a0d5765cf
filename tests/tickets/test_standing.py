"""Tickets beside the release and the branch that they are for, on real repositories: who carries what, who is in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sessions.day.merge_queue import build_queue
from sessions.day.ticket_selection import todays_rules
from sessions.settings.configuration import Config, Gate, Project, Tracker
from sessions.settings.options import Options
from sessions.source.line import Line, Queue, merge_line, start_line
from sessions.terminal.errors import SourceError
from sessions.tickets.model import Decision, Ticket, Verdict
from tests.repositories import Builder, Scene, lines, ticket

OPTIONS = Options(config=Path("integration.toml"), state=Path("state"), date=dt.date(2026, 11, 23))
CONFIG = Config(
    version=1,
    project=Project(name="x", repository="x"),
    tickets=(Tracker(url="x", milestone=""),),
    gates=(Gate(name="test", run="true"),),
)


@dataclass(frozen=True)
class Office:
    """A project, and what a day makes of tickets for it."""

    builder: Builder
    folder: Path

    def day(self, *tickets: Ticket, wanted: str = "latest", target: str = "") -> tuple[Scene, Queue, Line]:
        scene = Scene.of(self.builder, self.folder / "state", wanted=wanted)
        config = replace(CONFIG, tickets=(replace(CONFIG.tickets[0], target=target),))
        rules = todays_rules(config, scene.release, tickets, scene.mirror.refs.default_branch)
        drawn = build_queue(tickets, rules, scene.mirror, scene.release, config, OPTIONS)
        queue = start_line(drawn, scene.merger)
        return scene, queue, merge_line(queue, scene.merger, {})

    def decisions(self, *tickets: Ticket, target: str = "") -> dict[int, Decision]:
        return dict(self.day(*tickets, target=target)[2].decisions)


@pytest.fixture
def office(builder: Builder, tmp_path: Path) -> Office:
    """A release 1.0 of some files."""
    builder.commit({"a": lines(), "b": lines(), "c": lines()}, message="begin")
    builder.tag("1.0")
    return Office(builder, tmp_path)


def at(number: int, *, depends: str = "", target: str = "") -> Ticket:
    return replace(ticket(number, branch=f"t{number}", depends=depends), target=target)


class TestTrunk:
    def test_what_tickets_carry_of_main_comes_first_and_is_nobodys(self, office: Office) -> None:
        builder = office.builder
        builder.commit({"new": "1\n"}, message="main 1")
        carried = builder.commit({"a": lines((5, "main"))}, message="main 2")
        builder.commit({"b": lines((1, "one"))}, carried, branch="t1")
        builder.commit({"b": lines((30, "two"))}, "1.0", branch="t2")
        builder.commit({"later": "1\n"}, carried, branch="main", message="main 3")
        scene, queue, line = office.day(at(1), at(2))
        assert queue.trunk is not None
        assert str(queue.trunk) == "main (2 commits since 1.0)"
        assert (queue.trunk.commit, sorted(queue.carriers)) == (carried, [1])
        assert (scene.merger.base.commit, scene.merger.base.tickets) == (carried, ())
        assert scene.merger.bare.commit == scene.release.commit
        assert line.head.tickets == (1, 2)
        files = scene.files(line.head)
        assert "later" not in files
        assert files["new"] == "1"

    def test_nobody_carries_anything(self, office: Office) -> None:
        office.builder.commit({"b": lines((30, "two"))}, "1.0", branch="t2")
        office.builder.commit({"later": "1\n"})
        scene, queue, _ = office.day(at(2))
        assert queue.trunk is None
        assert scene.merger.base == scene.merger.bare

    def test_mains_commits_make_no_dependency(self, office: Office) -> None:
        carried = office.builder.commit({"new": "1\n"})
        office.builder.commit({"x": "1\n"}, carried, branch="t1")
        office.builder.commit({"y": "1\n"}, carried, branch="t2")
        _, queue, line = office.day(at(1), at(2))
        assert queue.needs == {1: set(), 2: set()}
        assert line.head.tickets == (1, 2)

    def test_the_same_tickets_give_the_same_head(self, office: Office) -> None:
        release = office.builder.tips["main"]
        office.builder.commit({"hotfix": "1\n"}, release, branch="stable")
        office.builder.tag("1.0.1", "stable")
        carried = office.builder.commit({"new": "1\n"}, release, branch="main")
        office.builder.commit({"x": "1\n"}, carried, branch="t1")
        scene, queue, line = office.day(at(1))
        assert queue.trunk is not None
        # The release is no part of main: both are merged, and the tickets go on that.
        parents = office.builder.copy(office.folder / "other.git").git("rev-parse", "1.0.1^{commit}", "main").split()
        show = scene.mirror.repository.git(
            "rev-parse", f"{scene.merger.base.commit}^1", f"{scene.merger.base.commit}^2"
        )
        assert show.text.split() == parents
        assert {"hotfix", "new", "x"} <= scene.files(line.head).keys()
        other = Office(office.builder, office.folder / "elsewhere")
        assert other.day(at(1))[2].head == line.head

    def test_a_release_that_main_does_not_merge_with_blocks_who_carries_main(self, office: Office) -> None:
        release = office.builder.tips["main"]
        office.builder.commit({"a": lines((5, "stable"))}, release, branch="stable")
        office.builder.tag("1.0.1", "stable")
        carried = office.builder.commit({"a": lines((5, "main"))}, release, branch="main")
        office.builder.commit({"x": "1\n"}, carried, branch="t1")
        office.builder.commit({"y": "1\n"}, release, branch="t2")
        _, queue, line = office.day(at(1), at(2))
        assert queue.trunk is None
        assert line.head.tickets == (2,)
        assert line.decisions[1].verdict is Verdict.BLOCKED
        assert line.decisions[1].reason == (
            "its branch carries main (1 commit since 1.0.1), which does not merge with 1.0.1 in a: the day must start "
            'from there, as [project] release = "branch:main"'
        )

    def test_a_clash_with_main_is_told_as_that(self, office: Office) -> None:
        carried = office.builder.commit({"a": lines((5, "main"))})
        office.builder.commit({"x": "1\n"}, carried, branch="t1")
        office.builder.commit({"a": lines((5, "two"))}, "1.0", branch="t2")
        decision = office.decisions(at(1), at(2))[2]
        assert decision.verdict is Verdict.CONFLICT
        assert decision.reason == "it conflicts with main (1 commit since 1.0) in a"

    def test_any_branch_and_what_it_carries_is_the_tickets_own(self, office: Office) -> None:
        carried = office.builder.commit({"new": "1\n"})
        office.builder.commit({"x": "1\n"}, carried, branch="t1")
        scene, queue, _ = office.day(at(1, target="other"), target="*")
        assert queue.trunk is None
        assert scene.merger.base == scene.merger.bare
        assert [each.number for each in queue.tickets] == [1]

    def test_what_a_limit_leaves_out_does_not_count(self, office: Office) -> None:
        first = office.builder.commit({"new": "1\n"})
        office.builder.commit({"x": "1\n"}, first, branch="t1")
        office.builder.commit({"z": "1\n"}, office.builder.commit({"newer": "1\n"}), branch="t2")
        scene = Scene.of(office.builder, office.folder / "state")
        rules = todays_rules(CONFIG, scene.release, (), "main")
        queue = build_queue((at(1), at(2)), rules, scene.mirror, scene.release, CONFIG, replace(OPTIONS, limit=1))
        assert queue.trunk is not None
        assert queue.trunk.commit == first


class TestTarget:
    def test_a_ticket_for_another_branch_is_ineligible_by_its_name(self, office: Office) -> None:
        office.builder.commit({"x": "1\n"}, "1.0", branch="t1")
        office.builder.commit({"y": "1\n"}, "1.0", branch="t2")
        decisions = office.decisions(at(1, target="stable"), at(2, target="main"))
        assert decisions[1] == Decision(
            verdict=Verdict.INELIGIBLE, reason="it is for branch stable, and today's is main"
        )
        assert decisions[2].verdict is Verdict.INTEGRATED

    def test_the_configuration_may_name_the_branch(self, office: Office) -> None:
        office.builder.commit({"s": "1\n"}, "1.0", branch="stable")
        office.builder.commit({"x": "1\n"}, "stable", branch="t1")
        office.builder.commit({"y": "1\n"}, "1.0", branch="t2")
        _, queue, line = office.day(at(1, target="stable"), at(2, target="main"), target="stable")
        assert queue.trunk is not None
        assert str(queue.trunk) == "stable (1 commit since 1.0)"
        assert line.head.tickets == (1,)
        assert line.decisions[2].reason == "it is for branch main, and today's is stable"

    def test_in_a_clone_where_somebody_works_on_a_ticket_there_is_no_default_branch(self, office: Office) -> None:
        office.builder.commit({"x": "1\n"}, "1.0", branch="t1")
        (office.builder.path / "HEAD").write_text("ref: refs/heads/t1\n")
        assert office.decisions(at(1))[1].verdict is Verdict.INTEGRATED

    def test_a_branch_that_is_not_there_is_told(self, office: Office) -> None:
        office.builder.commit({"x": "1\n"}, "1.0", branch="t1")
        with pytest.raises(SourceError, match=r"^The repository has no branch 'develop': set \[tickets\] target"):
            office.decisions(at(1), target="develop")


class TestContained:
    def test_a_number_in_an_old_subject_decides_nothing(self, office: Office) -> None:
        """`init` itself numbers branches 1, 2, 3."""
        office.builder.commit({"a": lines((5, "released"))}, message="Another project's change (#3)")
        office.builder.tag("1.1")
        office.builder.commit({"a": lines((5, "three"))}, "1.0", branch="t3")
        office.builder.commit({"x": "1\n"}, "1.1", branch="t4")
        decisions = office.decisions(at(3), at(4, depends="#3"))
        assert decisions[3].verdict is Verdict.CONFLICT
        commit = office.builder.git("rev-parse", "1.1^{commit}")[:10]
        assert decisions[3].reason == (
            f"it conflicts with the release in a (a hint: {commit} (Another project's change (#3)) names it)"
        )
        assert decisions[4].verdict is Verdict.BLOCKED

    def test_a_squashed_ticket_brings_nothing(self, office: Office) -> None:
        office.builder.commit({"a": lines((5, "squashed"))}, "1.0", branch="t1")
        office.builder.commit({"a": lines((5, "squashed"))}, message="What t1 does (#1)")
        office.builder.commit({"a": lines((5, "squashed"), (6, "and more"))})
        office.builder.tag("1.1")
        decision = office.decisions(at(1))[1]
        assert decision.verdict is Verdict.CONFLICT  # the release went on from there: git cannot tell
        office.builder.tag("1.0.1", "main~1")
        scene = Scene.of(office.builder, office.folder / "state", wanted="1.0.1")
        queue = build_queue(
            (at(1),), todays_rules(CONFIG, scene.release, ()), scene.mirror, scene.release, CONFIG, OPTIONS
        )
        told = merge_line(queue, scene.merger, {}).decisions[1]
        assert told == Decision(verdict=Verdict.ALREADY_MERGED, reason="it brings nothing that 1.0.1 lacks")

    def test_what_main_has_squashed_since_brings_nothing_either(self, office: Office) -> None:
        office.builder.commit({"a": lines((5, "squashed"))}, "1.0", branch="t1")
        carried = office.builder.commit({"a": lines((5, "squashed"))}, message="What t1 does (#1)")
        office.builder.commit({"x": "1\n"}, carried, branch="t2")
        decisions = office.decisions(at(1), at(2))
        assert decisions[1].verdict is Verdict.ALREADY_MERGED
        assert decisions[1].reason == "it brings nothing that main (1 commit since 1.0) lacks"
        assert decisions[2].verdict is Verdict.INTEGRATED

    def test_an_empty_ticket_brings_nothing(self, office: Office) -> None:
        office.builder.commit({}, "1.0", branch="t1", message="nothing yet")
        office.builder.git("update-ref", "refs/heads/t2", office.builder.commit({"later": "1\n"}))
        decisions = office.decisions(at(1), at(2))
        assert {number: each.verdict for number, each in decisions.items()} == dict.fromkeys(
            (1, 2), Verdict.ALREADY_MERGED
        )
        assert decisions[1].reason == "it brings nothing that 1.0 lacks"
        assert decisions[2].reason == "it has no commit of its own: main has them all"

    def test_of_two_equal_tickets_the_second_says_that_it_adds_nothing(self, office: Office) -> None:
        for number in (1, 2):
            office.builder.commit({"a": lines((5, "same"))}, "1.0", branch=f"t{number}", message=f"t{number}")
        decisions = office.decisions(at(1), at(2))
        assert decisions[1] == Decision(verdict=Verdict.INTEGRATED)
        assert decisions[2] == Decision(
            verdict=Verdict.INTEGRATED, reason="it brings nothing that the tickets before it do not"
        )


class TestReverted:
    @pytest.fixture
    def reverted(self, office: Office) -> Office:
        """Release 1.1 merged ticket 3, and took it out again."""
        builder = office.builder
        start = builder.tips["main"]
        builder.commit({"a": lines((5, "three")), "three": "1\n"}, start, branch="t3", message="three")
        builder.commit({"b": lines((9, "main"))}, message="other work")
        merge = builder.commit(
            {"a": lines((5, "three")), "three": "1\n"},
            builder.tips["main"],
            builder.tips["t3"],
            branch="main",
            message="gh-3: three",
        )
        builder.commit({"c": lines((1, "between"))}, merge, branch="main")
        builder.commit({"a": lines(), "three": None}, message='Revert "gh-3: three"')
        builder.commit({"c": lines((1, "after"))})
        builder.tag("1.1")
        return office

    def test_a_merge_that_was_reverted_is_told(self, reverted: Office) -> None:
        gone = reverted.builder.git("rev-parse", "main~1")[:10]
        decision = reverted.decisions(at(3))[3]
        assert decision.verdict is Verdict.ALREADY_MERGED
        assert decision.reason == (
            f'merging it brings nothing: 1.1 contains it, and {gone} (Revert "gh-3: three") reverted its changes'
        )

    def test_its_sequels_are_blocked_and_told_why(self, reverted: Office) -> None:
        builder = reverted.builder
        gone = builder.git("rev-parse", "main~1")[:10]
        builder.commit({"three": "2\n"}, "t3", branch="t4")
        builder.commit({"four": "2\n"}, "t3", branch="t5")
        builder.commit({"x": "1\n"}, "1.1", branch="t6")
        builder.commit({"y": "1\n"}, "main~2", branch="t7")
        builder.commit({"z": "1\n"}, "1.1", branch="t8")
        decisions = reverted.decisions(at(3), at(4), at(5), at(6), at(7), at(8, depends="#3"))
        why = f'#3, which was merged and taken out again by {gone} (Revert "gh-3: three")'
        for number, how in {4: "its branch carries", 5: "its branch carries", 8: "it depends on"}.items():
            assert decisions[number] == Decision(verdict=Verdict.BLOCKED, reason=f"{how} {why}", blocked_by=(3,))
        assert {number: decisions[number].verdict for number in (6, 7)} == dict.fromkeys((6, 7), Verdict.INTEGRATED)

    def test_who_depends_on_it_is_blocked_also_where_the_tracker_has_closed_it(self, reverted: Office) -> None:
        reverted.builder.commit({"x": "1\n"}, "1.1", branch="t8")
        decision = reverted.decisions(at(8, depends="#3"))[8]
        assert decision.verdict is Verdict.BLOCKED
        assert "#3, which was merged and taken out again by" in decision.reason

    def test_what_came_in_again_is_there(self, reverted: Office) -> None:
        builder = reverted.builder
        builder.commit({"a": lines((5, "three")), "three": "1\n"}, message='Reapply "gh-3: three"')
        builder.tag("1.2")
        builder.commit({"x": "1\n"}, "1.2", branch="t8")
        decisions = reverted.decisions(at(3), at(8, depends="#3"))
        assert decisions[3].reason == "the release contains it"
        assert decisions[8].verdict is Verdict.INTEGRATED

    def test_what_main_merged_and_took_out_since_the_release(self, office: Office) -> None:
        builder = office.builder
        builder.commit({"three": "1\n"}, "1.0", branch="t3")
        merge = builder.commit({"three": "1\n"}, "main", "t3", branch="main", message="gh-3: three")
        builder.commit({"four": "2\n"}, "t3", branch="t4")
        builder.commit({"five": "2\n"}, merge, branch="t5")
        # Until somebody carries the revert, the ticket's changes are there, and its sequel stands on them.
        decisions = office.decisions(at(3), at(4), at(5))
        assert [decisions[number].verdict for number in (4, 5)] == [Verdict.INTEGRATED] * 2
        assert decisions[3].reason == "it brings nothing that main (2 commits since 1.0) lacks"
        gone = builder.commit({"three": None}, merge, branch="main", message='Revert "gh-3: three"')
        builder.commit({"six": "2\n"}, gone, branch="t6")
        decisions = office.decisions(at(3), at(4), at(5), at(6))
        told = f'{gone[:10]} (Revert "gh-3: three")'
        assert decisions[3] == Decision(
            verdict=Verdict.ALREADY_MERGED,
            reason=f"merging it brings nothing: main contains it, and {told} reverted its changes",
        )
        assert decisions[4].verdict is Verdict.BLOCKED
        assert decisions[4].reason == f"its branch carries #3, which was merged and taken out again by {told}"
        assert [decisions[number].verdict for number in (5, 6)] == [Verdict.INTEGRATED] * 2

    def test_what_the_release_went_on_from_is_there(self, office: Office) -> None:
        builder = office.builder
        builder.commit({"a": lines((5, "three"))}, "1.0", branch="t3")
        builder.commit({"a": lines((5, "three"))}, "main", "t3", branch="main", message="gh-3: three")
        builder.commit({"a": lines((5, "three and more"))})
        builder.tag("1.1")
        builder.commit({"x": "1\n"}, "1.1", branch="t8")
        assert office.decisions(at(3))[3].reason == "the release contains it"
        told = office.decisions(at(8, depends="#3"))[8]
        merge = builder.git("rev-parse", "main~1")[:10]
        assert told.verdict is Verdict.INTEGRATED
        assert told.reason == f"it depends on #3, which is in the release as of {merge} (gh-3: three)"

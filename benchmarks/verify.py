"""Do the blames of a day hold? Each failing test runs many times with the blamed ticket, and without it.

    nox -s bench -- verify --state .integrand

``--state`` is the state folder of a day that has ended. Each test that a ticket breaks there runs ``--runs`` times on
the candidate that shows it, as often on the same candidate without the ticket (and without each of its partners), on
the day's last head, and on the release. The probes are the product's, with a new seed each time; the ledger is neither
asked nor written. A blame holds if the test fails in every run with the ticket and in none without it. A test that the
release does not have passes where it is missing; everywhere else, a test that does not run is no evidence.

This is how the accuracy of Google's culprit finder was measured (Henderson and others, "Flake Aware Culprit Finding",
ICST 2023).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console as Screen
from rich.table import Table

from benchmarks.command import bench_parser, folder, status, write_figures
from sessions.culprits.findings import Answer
from sessions.day.context import Day, open_day
from sessions.day.debug_images import Evidence, evidence_of
from sessions.day.opened_runner import open_runner
from sessions.day.probe_outcomes import BUILD, BUILD_TEST, answers, called, probe_result_of
from sessions.day.probe_runner import ProbeRunner
from sessions.day.question import Question
from sessions.day.reproduction_run import run_one
from sessions.day.setup import write_configuration
from sessions.gates.results import Failure, Results, TestId
from sessions.ledger.ledger import ProbeResult
from sessions.ledger.record import Purpose, Record, RecordedBreakage
from sessions.ledger.record_file import load_record
from sessions.settings.options import Options as DayOptions
from sessions.settings.options import at_least
from sessions.source.merging import Candidate
from sessions.terminal.console import Console
from sessions.terminal.errors import UsageError
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import Ticket

WITH, HEAD, RELEASE = "with", "head", "release"
# Far from the attempts of a day: the seeds of these runs are not those that led to the blame.
_FIRST_ATTEMPT = 500_001


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was typed."""

    state: Path
    config: Path | None
    repository: str | None
    runs: int
    json: Path | None


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A blame, and how often its test gave which answer on each candidate, by the candidate's name."""

    ticket: int
    partners: tuple[int, ...]
    gate: str
    test: str
    is_test_missing: bool
    seen: Mapping[str, Mapping[Answer, int]]

    @property
    def holds(self) -> bool:
        """Whether the test fails in every run with the ticket, and passes in every other."""
        return all(self._is_as_claimed(name, counts) for name, counts in self.seen.items())

    def _is_as_claimed(self, name: str, counts: Mapping[Answer, int]) -> bool:
        fine: set[Answer] = {"fails"} if name == WITH else {"passes"}
        if self.is_test_missing and name != WITH:
            fine.add("not run")
        return bool(counts) and set(counts) <= fine


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the status is 0 however many blames hold."""
    return status(lambda: _run(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> Options:
    parser = bench_parser("verify", "whether the blames of a day hold in many more runs")
    parser.add_argument("--state", type=folder, default=folder(".integrand"), metavar="DIR", help="of the day")
    parser.add_argument("--config", type=folder, metavar="FILE", help="the day's configuration (the record's)")
    parser.add_argument("--repository", metavar="URL", help="the project's, instead of the configuration's")
    parser.add_argument("--runs", type=at_least(1), default=8, metavar="N", help="of each test on each candidate (8)")
    return Options(**vars(parser.parse_args(arguments)))


def _run(options: Options) -> None:
    record = load_record(options.state)
    found = verify(options, record)
    _show(record, found)
    count = sum(each.holds for each in found)
    blames = [
        {"ticket": each.ticket, "with": each.partners, "gate": each.gate, "test": each.test, "holds": each.holds}
        | {"seen": each.seen}
        for each in found
    ]
    figures = {"date": record.date, "project": record.project, "runs": options.runs, "hold": count, "of": len(found)}
    write_figures(options.json, {**figures, "blames": blames})


def verify(options: Options, record: Record) -> list[Verified]:
    """Run what the tickets of a day break, and return each blame with the answers of all runs.

    Raises :class:`UsageError` where the record has no blame, and the errors of the engine.
    """
    evidence = evidence_of(record)
    if not evidence:
        raise UsageError(f"No ticket breaks anything in the record of {record.date}: there is nothing to verify.")
    config = options.config or write_configuration(record, options.state / "verify")
    day_options = DayOptions(
        config=config,
        state=options.state,
        release=record.release,
        repository=options.repository,
        date=date.fromisoformat(record.date),
        engine=record.engine or None,
    )
    with open_day(day_options, Console(to_stderr=True)) as day, open_runner(day) as runner:
        if not day.mirror.present([record.head, *(each.commit for each in evidence)]):
            raise UsageError(f"{options.state} lacks the commits of {record.date}: name the folder where the day ran.")
        return [one for each in evidence for one in _verify(day, runner, record, each, options.runs)]


def _verify(day: Day, runner: ProbeRunner, record: Record, evidence: Evidence, runs: int) -> Iterator[Verified]:
    """Yield the blames that one candidate shows."""
    [ticket] = [each for each in record.tickets if each.number == evidence.number]
    key = (evidence.gate, evidence.commit, evidence.is_build)
    blames = [broke for broke in ticket.broke if (broke.gate, broke.commit, broke.is_build) == key]
    members = [evidence.number, *sorted({number for broke in blames for number in broke.with_})]
    candidates = {
        WITH: Candidate(commit=evidence.commit, tree=evidence.tree),
        **{f"without {name_ticket(number)}": _without(day, record, evidence, number) for number in members},
        HEAD: Candidate(commit=record.head, tree=record.tree),
        RELEASE: day.merger.bare,
    }
    counts = {name: _count(runner, evidence, each, blames, name, runs) for name, each in candidates.items()}
    for at, broke in enumerate(blames):
        skipped = {f"without {name_ticket(number)}" for number in members[1:] if number not in broke.with_}
        yield Verified(
            ticket=evidence.number,
            partners=broke.with_,
            gate=called(evidence.gate),
            test=str(broke.test),
            is_test_missing=broke.kind not in ("gone", "skipped") and set(counts[RELEASE][at]) == {"not run"},
            seen={name: each[at] for name, each in counts.items() if name not in skipped},
        )


def _without(day: Day, record: Record, evidence: Evidence, number: int) -> Candidate:
    """Merge a candidate again without a ticket, and without what needs it.

    Raises :class:`UsageError` if what is left does not merge, or if the candidate itself cannot be made again.
    """
    start, chain = _steps(day, record, evidence.commit)
    day.merger.base = start
    whole = day.merger.combine(chain)
    gone = next((each for each in chain if each.number == number), None)
    if gone is None or not isinstance(whole, Candidate) or whole.tree != evidence.tree:
        raise UsageError(
            f"The candidate {evidence.commit[:10]} of {name_ticket(evidence.number)} cannot be made again."
        )
    left = day.merger.combine([each for each in chain if not _needs(day, record, each, gone)])
    if not isinstance(left, Candidate):
        raise UsageError(f"The candidate {evidence.commit[:10]} does not merge without {name_ticket(number)}.")
    return left


def _steps(day: Day, record: Record, commit: str) -> tuple[Candidate, list[Ticket]]:
    """Return what a candidate starts with, the release or its trunk, and the tickets that are merged onto that.

    A merge's subject names its ticket: the record has no commit of a ticket that is out and whose tracker names none.
    """
    tickets = {name_ticket(each.number): each for each in record.tickets}
    git, chain = day.mirror.repository.git, list[Ticket]()
    while commit != record.base:
        first, *others = git("rev-list", "--parents", "-n", "1", commit).text.split()[1:]
        ticket = tickets.get(git("log", "-1", "--format=%s", commit).text.partition(": ")[0])
        if len(others) != 1 or ticket is None:
            break  # the target branch's own commits
        chain.insert(0, Ticket(number=ticket.number, title=ticket.title, commit=others[0]))
        commit = first
    tree = git("rev-parse", "--verify", f"{commit}^{{tree}}").text
    return Candidate(commit=commit, tree=tree), chain


def _needs(day: Day, record: Record, ticket: Ticket, gone: Ticket) -> bool:
    """Whether a ticket is the one that is gone, contains its commits, or was blocked by it at the day's end."""
    [recorded] = [each for each in record.tickets if each.number == ticket.number]
    if gone.number in (ticket.number, *recorded.blocked_by):
        return True
    git = day.mirror.repository.git
    return not git("merge-base", "--is-ancestor", gone.commit, ticket.commit, ok=(0, 1)).status


def _count(
    runner: ProbeRunner,
    evidence: Evidence,
    candidate: Candidate,
    blames: Sequence[RecordedBreakage],
    name: str,
    runs: int,
) -> list[Counter[Answer]]:
    """Return how often each test that is broken gave which answer on a candidate."""
    counts = [Counter[Answer]() for _ in blames]
    gate = BUILD if evidence.is_build else runner.builder.config.gate(evidence.gate)
    files = evidence.files or None
    for at in range(runs):
        question = Question(
            gate=gate,
            candidate=candidate,
            files=files,
            attempt=_FIRST_ATTEMPT + at,
            why=f"{name_ticket(evidence.number)}, {name}, {at + 1} of {runs}",
            purpose=Purpose.SEARCH,
        )
        for count, answer in zip(counts, _answers(runner, question, blames), strict=True):
            count[answer] += 1
    return counts


def _answers(runner: ProbeRunner, question: Question, blames: Sequence[RecordedBreakage]) -> list[Answer]:
    """Run one probe, past the ledger. A candidate that has none of the files has none of their tests."""
    gate, files = question.gate, runner.builder.files
    if gate.files and not files.select(gate, question.candidate.tree, question.files):
        shown = ProbeResult(built=True, results=Results(), seconds=0.0, log="")
    else:
        probe = runner.builder.probe(question, None, runner.builder.jobs)
        outcome = run_one(runner, probe, f"{called(gate.name)} {question.why}")
        shown = probe_result_of(gate, outcome, runner.builder.config.engine.source)
    return [_answer(shown, broke) for broke in blames]


def _answer(shown: ProbeResult, broke: RecordedBreakage) -> Answer:
    """Return what a run says about a test of the record, which has the first line of a doctest's example only."""
    results = shown.results
    reported = (*results.failing, *results.passed, *results.skipped)
    test: TestId = next((each for each in reported if str(each) == str(broke.test)), broke.test)
    failure = Failure(test=BUILD_TEST if broke.is_build else test, kind=broke.kind, expected=broke.expected)
    return answers(shown, [failure])[failure.test]


def _show(record: Record, found: Sequence[Verified]) -> None:
    count = sum(each.holds for each in found)
    title = f"{record.project}, {record.date}: {count} of {len(found)} blames hold ({count / len(found):.0%})"
    table = Table("ticket", "test", "fails or passes, of all runs", "", title=title, title_justify="left")
    for each in found:
        who = " with ".join([name_ticket(each.ticket), *map(name_ticket, each.partners)])
        seen = "\n".join(f"{name}: {_say(counts)}" for name, counts in each.seen.items())
        table.add_row(who, f"{each.gate}: {each.test}", seen, "holds" if each.holds else "does not hold")
    Screen(highlight=False, markup=False).print(table)


def _say(counts: Mapping[Answer, int]) -> str:
    return ", ".join(f"{answer} {count} of {sum(counts.values())}" for answer, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())

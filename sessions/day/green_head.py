"""The loop: merge all that fits, run the gates, take out who broke something new, and go round again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from sessions.culprits.evidence import is_new
from sessions.culprits.findings import Answer, Ask, Blame, Flaky
from sessions.culprits.inquiry import Inquiry, blames_to_act_on
from sessions.culprits.suspicion import suspicion
from sessions.day.baselines import Baselines
from sessions.day.changed_tests import ChangedTests, TestChanges
from sessions.day.context import Day
from sessions.day.decisions import Judge, some_tickets
from sessions.day.probe_outcomes import BUILD, called
from sessions.day.probe_runner import ProbeRunner, Question
from sessions.day.retest import Look, Retester
from sessions.gates.comparison import Comparison, compare
from sessions.gates.results import Failure, Presence, Results, RunHistory, TestId
from sessions.ledger.ledger import ProbeResult
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.source.diffs import Diff
from sessions.source.line import Line, Queue, merge_line
from sessions.source.merging import Candidate
from sessions.terminal.errors import GatePendingError, InfrastructureError
from sessions.tickets.model import Decision

# The new failures of the gate at which the head fails; of none where it is green so far.
Failing = dict[str, tuple[Failure, ...]]

# So often a gate runs on the head, if runs break off by chance.
_RUNS = 3
# Looks that decide whether there is something to search for are none of the search's own, which counts from 1.
_MORE_LOOKS = 1001


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A gate's results on the release and on the head, beside each other, and what the tickets' diffs do to its tests.

    ``mended_by`` are the tickets without which the gate measures nothing on the release.
    """

    release: Results
    mended_by: tuple[int, ...]
    head: Results
    comparison: Comparison
    changes: Mapping[int, TestChanges]


@dataclass(kw_only=True)
class Progress:
    """How far the loop has come; true at any moment, also when something flies out of it."""

    line: Line
    measured: dict[str, Measured] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    failing: Failing = field(default_factory=dict)
    flaky: dict[str, set[TestId]] = field(default_factory=dict)
    out: dict[int, Decision] = field(default_factory=dict)


@dataclass(kw_only=True)
class GreenHead:
    """The search for the largest head of a queue that passes all gates."""

    day: Day
    queue: Queue
    runner: ProbeRunner
    baselines: Baselines
    progress: Progress
    known: dict[str, dict[Ask, dict[TestId, Answer]]] = field(default_factory=dict)

    def find(self) -> None:
        """Go round until nothing new fails on the head, or nothing is left of it.

        What was found is in ``progress``. Raises what :meth:`ProbeRunner.ask` raises, but for gates that wait for
        another call: they are in ``progress.pending``.
        """
        while self.progress.line.tickets:
            self._examine()
            if not self.progress.failing:
                return
            while self.progress.failing:
                before = self.progress.failing
                blames = self._inquire()
                self._take_out(blames)
                if not blames and self.progress.failing == before:
                    return  # nobody can be shown to be the cause: the head is red

    def _examine(self) -> None:
        """Run the gates on the head, one after the other, up to the first at which something new fails.

        A gate never runs on a head that is known to be red. That costs a second run of the earlier gates where a
        later one takes a ticket out; and it makes the way to the green head the same, whether a day is done in one
        call, over several that each run some gates, or after having been killed anywhere.
        """
        progress, line = self.progress, self.progress.line
        self.day.console.step(f"Gates on the head with {len(line.tickets)} tickets ({line.head.commit[:10]})")
        progress.measured.clear()
        progress.pending.clear()
        for gate in self.day.config.gates:
            try:
                new = self._new_failures(gate)
            except GatePendingError:
                progress.pending.add(gate.name)
                continue
            if new:
                progress.failing[new[0]] = new[1]
                return

    def _new_failures(self, gate: Gate) -> tuple[str, tuple[Failure, ...]] | None:
        """What fails anew at a gate on the head, with the gate's name or the build's.

        A run that broke off by chance, or a file in it, says nothing of the tests that it did not reach. Then the
        whole gate runs again, until each test of the release was seen.

        Raises :class:`InfrastructureError` where no run reaches all of them.
        """
        for attempt in range(1, _RUNS + 1):
            probe_result = self._built(gate, attempt)
            if not probe_result.built:
                new = self._steady(BUILD, probe_result.results.failures)
                return BUILD.name, new or probe_result.results.failures
            if new := self._steady(gate, self._compare(gate, probe_result.results)):
                return gate.name, new
            if not _hidden(self.progress.measured[gate.name]):
                return None
        raise InfrastructureError(
            f"None of {_RUNS} runs of {gate.name} on {_size(self.progress.line.head)} came to its end, and nothing "
            "fails in all of them: see the logs of these probes, make the gate steadier, then type the same command."
        )

    def _built(self, gate: Gate, attempt: int) -> ProbeResult:
        """A whole run on the head; another one where the build fails by chance."""
        head = self.progress.line.head
        again = "again " if attempt > 1 else ""
        whole = Question(
            gate=gate,
            candidate=head,
            attempt=attempt,
            why=f"{again}on {_size(head)}",
            purpose=Purpose.HEAD,
            keep=True,
        )
        probe_result = self.runner.ask(whole)
        if probe_result.built or self._steady(BUILD, probe_result.results.failures):
            return probe_result
        why = f"again on {_size(head)}, as the build is flaky"
        return self.runner.ask(replace(whole, attempt=attempt + 1, why=why))

    def _compare(self, gate: Gate, results: Results) -> tuple[Failure, ...]:
        """What may be new: new failures, and tests that do not run any more for no reason of a ticket's diff."""
        baseline = self.baselines.of(gate)
        compared = compare(baseline.probe_result.results, results)
        changed = self._changed_tests(gate, compared.brought)
        self.progress.measured[gate.name] = Measured(
            release=baseline.probe_result.results,
            mended_by=baseline.candidate.tickets,
            head=results,
            comparison=compared,
            changes=changed.by_ticket(compared),
        )
        unexplained = [failure for failure in (*compared.gone, *compared.skipped) if not changed.explains(failure)]
        return (*compared.new, *unexplained)

    def _changed_tests(self, gate: Gate, brought: tuple[TestId, ...]) -> ChangedTests:
        """What the tickets of the head do to a gate's tests by their own diffs."""
        return ChangedTests(
            diffs={ticket.number: self._diffs[ticket.number] for ticket in self.progress.line.tickets},
            before=self.runner.locator(gate, self.day.base.tree),
            after=self.runner.locator(gate, self.progress.line.head.tree),
            brought=brought,
        )

    def _steady(self, gate: Gate, failures: Sequence[Failure]) -> tuple[Failure, ...]:
        """Those failures that come again on the head, and do not come on the release.

        A test that was found flaky once today is not asked about again: no ticket leaves because of it.
        """
        flaky = self.progress.flaky.setdefault(gate.name, set())
        asked = tuple(failure for failure in failures if failure.test not in flaky)
        tests = tuple(failure.test for failure in asked)
        head, base = self.progress.line.head, self._retester.base(gate)
        histories = self.day.ledger.histories(head.tree, gate.name, tests) if tests else {}
        # How often each failed and passed, on the head and on the release: what began it counts.
        looks = {test: ([1, 0], [0, 1]) for test in tests}
        new, attempt = dict[TestId, bool | None](), 2
        alone = f"on {self.day.start} again, for flakes"
        while unclear := tuple(failure for failure in asked if new.get(failure.test) is None):
            looks_again = (
                Look(
                    candidate=head, failures=unclear, attempt=attempt, why="again, for flakes", purpose=Purpose.FLAKES
                ),
                Look(candidate=base, failures=unclear, attempt=attempt, why=alone, purpose=Purpose.FLAKES),
            )
            again, before = self._retester.look_at(gate, looks_again, head)
            for failure in unclear:
                test = failure.test
                # What hides a test on the head may be the ticket's doing; what hides it on the release is not.
                looks[test][0][again[test] == "passes"] += 1
                looks[test][1][before[test] != "fails"] += 1
                (fails, lost), (stray, passes) = looks[test]
                new[test] = is_new((fails, lost), (stray, passes), histories.get(test, RunHistory()))
            attempt = attempt + 1 if attempt > 2 else _MORE_LOOKS
        flaky.update(test for test in tests if not new[test])
        return tuple(failure for failure in failures if new.get(failure.test))

    def _inquire(self) -> dict[tuple[str, TestId], Blame]:
        """Search the line for who broke each failing test. Flaky tests leave the list of failing ones."""
        found: dict[tuple[str, TestId], Blame | Flaky] = {}
        for name, failures in self.progress.failing.items():
            tests = tuple(failure.test for failure in failures)
            self.day.console.step(f"Who broke {len(tests)} test{'s' * (len(tests) != 1)} of {called(name)}?")
            gate, by_test = self._gate(name), {failure.test: failure for failure in failures}
            inquiry = Inquiry(
                line=[n for n in self.progress.line.head.tickets if n not in self._retester.base(gate).tickets],
                needs=self.queue.needs,
                tests=tests,
                known=self.known.setdefault(name, {}),
                suspicion=suspicion(self._touched, {test: self._file_of(gate, test) for test in tests}),
                histories=self.day.ledger.histories(self.progress.line.head.tree, name, tests),
            )
            while questions := inquiry.questions():
                # All of them before it is asked again what to ask: so the way is the same however many run at once.
                self.day.console.expect(inquiry.outlook())
                asked = [(ask, tuple(by_test[test] for test in these)) for ask, these in questions]
                for (ask, _), told in zip(questions, self._answer(gate, asked), strict=True):
                    inquiry.learn(ask, told)
            found |= {(name, test): finding for test, finding in inquiry.findings().items()}
        for (name, test), finding in found.items():
            if isinstance(finding, Flaky):
                self.progress.flaky.setdefault(name, set()).add(test)
        return blames_to_act_on(found)

    def _file_of(self, gate: Gate, test: TestId) -> str:
        return self.runner.locator(gate, self.progress.line.head.tree).locate(test.file) or test.file

    @cached_property
    def _retester(self) -> Retester:
        return Retester(runner=self.runner, baselines=self.baselines)

    @cached_property
    def _diffs(self) -> dict[int, Diff]:
        repository, base = self.day.mirror.repository, self.day.base.commit
        return {
            ticket.number: Diff(repository=repository, release=base, commit=ticket.commit)
            for ticket in self.queue.tickets
        }

    @cached_property
    def _touched(self) -> dict[int, frozenset[str]]:
        """The files that each ticket of the queue changes."""
        return {number: diff.touched for number, diff in self._diffs.items()}

    def _answer(self, gate: Gate, questions: Sequence[tuple[Ask, tuple[Failure, ...]]]) -> list[dict[TestId, Answer]]:
        """What the search asks, in order; unclear where tickets do not merge without the others."""
        looks: dict[int, Look] = {}
        for place, (ask, failures) in enumerate(questions):
            numbers = {*ask.tickets, *self._retester.base(gate).tickets}
            chosen = [ticket for ticket in self.progress.line.tickets if ticket.number in numbers]
            candidate = self.day.merger.combine(chosen)
            if isinstance(candidate, Candidate):
                # The second runs of the head and of the release decided that there is something to search for: a run
                # that had no say in that must confirm a blame. What it shows may be looked into: its build is kept.
                again = ask.attempt > 1
                why = f"with {some_tickets(numbers)}{' again' if again else ''}"
                attempt = ask.attempt + again
                looks[place] = Look(
                    candidate=candidate,
                    failures=failures,
                    attempt=attempt,
                    why=why,
                    purpose=Purpose.SEARCH,
                    keep=again,
                )
        shown = self._retester.look_at(gate, list(looks.values()), self.progress.line.head) if looks else []
        told = dict(zip(looks, shown, strict=True))
        return [
            self._retester.certain(gate, failures, told.get(place, {})) for place, (_, failures) in enumerate(questions)
        ]

    def _take_out(self, blames: Mapping[tuple[str, TestId], Blame]) -> None:
        """Take the culprits out, merge again, and see which of the failing tests still fail."""
        judge = Judge(
            day=self.day,
            runner=self.runner,
            queue=self.queue,
            failing=self.progress.failing,
            known=self.known,
            blames=blames,
        )
        for number in sorted({number for blame in blames.values() for number in blame.culprits}):
            self.progress.out[number] = judge.decision(number)
            self.day.console.detail(f"#{number} leaves: {self.progress.out[number].reason}")
        if blames:
            self.progress.line = merge_line(self.queue, self.day.merger, self.progress.out)
        self.progress.failing = {
            name: left
            for name, failures in self.progress.failing.items()
            if self.progress.line.tickets and (left := self._still_failing(name, failures))
        }

    def _still_failing(self, name: str, failures: Sequence[Failure]) -> tuple[Failure, ...]:
        flaky = self.progress.flaky.get(name, set())
        left = [failure for failure in failures if failure.test not in flaky]
        if not left:
            return ()
        head = self.progress.line.head
        look = Look(candidate=head, failures=tuple(left), why=f"first, on {_size(head)}", purpose=Purpose.HEAD)
        [told] = self._retester.look_at(self._gate(name), [look], head)
        return tuple(failure for failure in left if told[failure.test] == "fails")

    def _gate(self, name: str) -> Gate:
        return BUILD if name == BUILD.name else self.day.config.gate(name)


def _hidden(measured: Measured) -> bool:
    """Whether the run on the head did not reach a test that passed on the release."""
    head = measured.head
    if not head.is_measured:
        return True
    unseen = [test for test in measured.release.passed if head.presence(test) is Presence.HIDDEN]
    return bool(unseen or head.hidden_files & measured.release.counts.keys())


def _size(candidate: Candidate) -> str:
    return f"the head with {len(candidate.tickets)} tickets"

"""The loop: merge all that fits, run the gates, take out who broke something new, and go round again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sessions.config import Gate
from sessions.culprits.evidence import is_new
from sessions.culprits.findings import Answer, Ask, Blame, Flaky
from sessions.culprits.inquiry import Inquiry, settle
from sessions.culprits.suspicion import suspicion
from sessions.day import Day
from sessions.errors import GatePendingError
from sessions.gates.comparison import Comparison, compare
from sessions.gates.results import Failure, History, TestId
from sessions.laboratory import Laboratory, Question
from sessions.outcomes import BUILD, BUILD_TEST, answers
from sessions.source.line import Line, Queue, merge_line
from sessions.source.merging import Candidate
from sessions.source.overlays import touched_files
from sessions.tickets.model import Breakage, Ruling, Verdict, name_tickets

# A candidate, the tests to look at, which run it is, what for, and whether its build is worth keeping.
Look = tuple[Candidate, tuple[TestId, ...], int, str, bool]
# The new failures of the gate at which the head fails; of none where it is green so far.
Failing = dict[str, tuple[Failure, ...]]

# Looks that decide whether there is something to search for are none of the search's own, which counts from 1.
_MORE_LOOKS = 1001


@dataclass(kw_only=True)
class Progress:
    """How far the loop has come; true at any moment, also when something flies out of it."""

    line: Line
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)
    failing: Failing = field(default_factory=dict)
    flaky: dict[str, set[TestId]] = field(default_factory=dict)
    out: dict[int, Ruling] = field(default_factory=dict)


@dataclass(kw_only=True)
class GreenHead:
    """The search for the largest head of a queue that passes all gates."""

    day: Day
    queue: Queue
    laboratory: Laboratory
    progress: Progress
    known: dict[str, dict[Ask, dict[TestId, Answer]]] = field(default_factory=dict)

    def find(self) -> None:
        """Go round until nothing new fails on the head, or nothing is left of it.

        What was found is in ``progress``. Raises what :meth:`Laboratory.ask` raises, but for gates that wait for
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
        self.day.narrator.step(f"Gates on the head with {len(line.tickets)} tickets ({line.head.commit[:10]})")
        progress.comparisons.clear()
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
        head, base = self.progress.line.head, self.day.base
        alone = f"on {self.day.start}"
        release = self.laboratory.ask(Question(gate=gate, candidate=base, why=alone, keep=True))
        reading = self.laboratory.ask(Question(gate=gate, candidate=head, why=f"on {_size(head)}", keep=True))
        if not reading.built:
            if new := self._steady(BUILD, reading.results.failures):
                return BUILD.name, new
            again = Question(gate=gate, candidate=head, attempt=2, why=f"again on {_size(head)}, as the build is flaky")
            reading = self.laboratory.ask(again)
        if not reading.built:
            return BUILD.name, reading.results.failures
        self.progress.comparisons[gate.name] = compared = compare(release.results, reading.results)
        new = self._steady(gate, compared.new)
        return (gate.name, new) if new else None

    def _steady(self, gate: Gate, failures: Sequence[Failure]) -> tuple[Failure, ...]:
        """Those failures that come again on the head, and do not come on the release.

        A test that was found flaky once today is not asked about again: no ticket leaves because of it.
        """
        flaky = self.progress.flaky.setdefault(gate.name, set())
        tests = tuple(failure.test for failure in failures if failure.test not in flaky)
        head, base = self.progress.line.head, self.day.base
        histories = self.day.ledger.histories(head.tree, gate.name, tests) if tests else {}
        # How often each failed and passed, on the head and on the release: what began it counts.
        looks = {test: ([1, 0], [0, 1]) for test in tests}
        new, attempt = dict[TestId, bool | None](), 2
        alone = f"on {self.day.start} again, for flakes"
        while unclear := tuple(test for test in tests if new.get(test) is None):
            again, before = self._look_at(
                gate, [(head, unclear, attempt, "again, for flakes", False), (base, unclear, attempt, alone, False)]
            )
            for test in unclear:
                # What hides a test on the head may be the ticket's doing; what hides it on the release is not.
                looks[test][0][again[test] == "passes"] += 1
                looks[test][1][before[test] != "fails"] += 1
                (fails, lost), (stray, passes) = looks[test]
                new[test] = is_new((fails, lost), (stray, passes), histories.get(test, History()))
            attempt = attempt + 1 if attempt > 2 else _MORE_LOOKS
        flaky.update(test for test in tests if not new[test])
        return tuple(failure for failure in failures if new.get(failure.test))

    def _look(self, gate: Gate, candidate: Candidate, tests: Iterable[TestId], why: str) -> dict[TestId, Answer]:
        return self._look_at(gate, [(candidate, tuple(tests), 1, why, False)])[0]

    def _look_at(self, gate: Gate, wanted: Sequence[Look]) -> list[dict[TestId, Answer]]:
        """Run just the files of some tests on candidates, all at once."""
        questions = []
        for candidate, tests, attempt, why, keep in wanted:
            files = tuple(sorted({test.file for test in tests}))
            some = files if gate.files and "" not in files else None
            questions.append(Question(gate=gate, candidate=candidate, files=some, attempt=attempt, why=why, keep=keep))
        readings = self.laboratory.ask_all(questions)
        return [answers(reading, look[1]) for reading, look in zip(readings, wanted, strict=True)]

    def _inquire(self) -> dict[tuple[str, TestId], Blame]:
        """Search the line for who broke each failing test. Flaky tests leave the list of failing ones."""
        found: dict[tuple[str, TestId], Blame | Flaky] = {}
        for name, failures in self.progress.failing.items():
            tests = tuple(failure.test for failure in failures)
            self.day.narrator.step(f"Who broke {len(tests)} test{'s' * (len(tests) != 1)} of {name}?")
            inquiry = Inquiry(
                line=[ticket.number for ticket in self.progress.line.tickets],
                needs=self.queue.needs,
                tests=tests,
                known=self.known.setdefault(name, {}),
                suspicion=suspicion(self._touched, {test: test.file for test in tests}),
                histories=self.day.ledger.histories(self.progress.line.head.tree, name, tests),
            )
            while questions := inquiry.questions():
                # All of them before it is asked again what to ask: so the way is the same however many run at once.
                self.day.narrator.expect(inquiry.outlook())
                for (ask, _), told in zip(questions, self._answer(self._gate(name), questions), strict=True):
                    inquiry.learn(ask, told)
            found |= {(name, test): finding for test, finding in inquiry.findings().items()}
        for (name, test), finding in found.items():
            if isinstance(finding, Flaky):
                self.progress.flaky.setdefault(name, set()).add(test)
        return settle(found)

    @cached_property
    def _touched(self) -> dict[int, frozenset[str]]:
        """The files that each ticket of the queue changes."""
        repository, release = self.day.mirror.repository, self.day.base.commit
        return {ticket.number: touched_files(repository, release, ticket.commit) for ticket in self.queue.tickets}

    def _answer(self, gate: Gate, questions: Sequence[tuple[Ask, Sequence[TestId]]]) -> list[dict[TestId, Answer]]:
        """What the search asks, in order; unclear where tickets do not merge without the others."""
        looks: dict[int, Look] = {}
        for place, (ask, tests) in enumerate(questions):
            chosen = [ticket for ticket in self.progress.line.tickets if ticket.number in ask.tickets]
            candidate = self.day.merger.combine(chosen)
            if isinstance(candidate, Candidate):
                # The second runs of the head and of the release decided that there is something to search for: a run
                # that had no say in that must confirm a blame. What it shows may be looked into: its build is kept.
                again = ask.attempt > 1
                why = f"with {_some(ask.tickets)}{' again' if again else ''}"
                looks[place] = (candidate, tuple(tests), ask.attempt + again, why, again)
        told = dict(zip(looks, self._look_at(gate, list(looks.values())), strict=True)) if looks else {}
        return [told.get(place, dict.fromkeys(tests, "unclear")) for place, (_, tests) in enumerate(questions)]

    def _take_out(self, blames: Mapping[tuple[str, TestId], Blame]) -> None:
        """Take the culprits out, merge again, and see which of the failing tests still fail."""
        for number in sorted({number for blame in blames.values() for number in blame.culprits}):
            self.progress.out[number] = self._ruling(number, blames)
            self.day.narrator.detail(f"#{number} leaves: {self.progress.out[number].reason}")
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
        told = self._look(self._gate(name), head, [failure.test for failure in left], why=f"first, on {_size(head)}")
        return tuple(failure for failure in left if told[failure.test] == "fails")

    def _ruling(self, number: int, blames: Mapping[tuple[str, TestId], Blame]) -> Ruling:
        mine = {key: blame for key, blame in blames.items() if number in blame.culprits}
        broke = tuple(self._breakage(number, name, test, blame) for (name, test), blame in mine.items())
        tests = ", ".join(f"{each.test}" for each in broke[:3]) + (f" and {len(broke) - 3} more" if broke[3:] else "")
        partners = sorted({other for blame in mine.values() for other in blame.partners})
        together = f" together with {name_tickets(partners)}" if partners else ""
        return Ruling(verdict=Verdict.CULPRIT, reason=f"it breaks {tests}{together}", broke=broke)

    def _breakage(self, number: int, name: str, test: TestId, blame: Blame) -> Breakage:
        shown = self.day.merger.combine(each for each in self.queue.tickets if each.number in blame.fails)
        failure = next(each for each in self.progress.failing[name] if each.test == test)
        return Breakage(
            gate=name,
            test=test.name if test == BUILD_TEST else str(test),
            with_=tuple(sorted({*blame.partners, *blame.culprits} - {number})),
            message=failure.message,
            evidence=(
                f"fails, twice, with {_some(blame.fails)}",
                *(f"passes with {_some(subset)}" for subset in blame.passes),
            ),
            **(self._shown(number, name, test, shown) if isinstance(shown, Candidate) else {"reproduce": ""}),
        )

    def _shown(self, number: int, name: str, test: TestId, shown: Candidate) -> dict[str, str]:
        """How to see a failure: the candidate that has it, and the commands."""
        self.day.mirror.keep(f"evidence/{self.day.options.date}/{number}", shown.commit)
        gate = self._gate(name)
        build = self.day.config.build.run
        run = build if gate is BUILD else self.laboratory.command(gate, (test.file,) if test.file else None, shown.tree)
        both = f"{build} && {run}" if build and gate is not BUILD else run
        fetch = f"git fetch {self.day.mirror.repository.path} {shown.commit} && git checkout --detach FETCH_HEAD"
        return {
            "file": test.file,
            "commit": shown.commit,
            "tree": shown.tree,
            "command": run,
            "reproduce": f"{fetch} && export INTEGRAND_RESULTS=/tmp/results && {both}",
        }

    def _gate(self, name: str) -> Gate:
        return BUILD if name == BUILD.name else self.day.config.gate(name)


def _size(candidate: Candidate) -> str:
    return f"the head with {len(candidate.tickets)} tickets"


def _some(numbers: Iterable[int]) -> str:
    chosen = sorted(numbers)
    if not chosen:
        return "the release alone"
    return name_tickets(chosen) if len(chosen) <= 4 else f"{len(chosen)} tickets up to #{chosen[-1]}"

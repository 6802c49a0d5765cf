"""The run record: what a session found, as classes. Each field is a field of ``run.json``, in this order.

The text beside a type is the field's description in ``run.schema.json``, which :mod:`sessions.ledger.record_schema`
makes from these classes; a dictionary there adds to its schema. A field with a default may be missing in the records of
older versions. Fields are part of a contract: add to them, never rename or drop one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from sessions.gates.flake_source import FlakeSource
from sessions.gates.results import Kind, TestId
from sessions.terminal.ticket_numbers import TicketNumber
from sessions.tickets.model import Alternative, Conflict, UsedResolution, Verdict

RECORD_VERSION = 1

CommitId = Annotated[str, {"pattern": "^[0-9a-f]{40}([0-9a-f]{24})?$"}]
Numbers = tuple[TicketNumber, ...]
Tests = tuple[TestId, ...]


class State(StrEnum):
    """What a session came to."""

    GREEN = "green"
    RED = "red"
    PAUSED = "paused"
    EMPTY = "empty"
    BROKEN = "broken"
    RUNNING = "running"

    @property
    def is_decided(self) -> bool:
        """Whether all gates have run on the head: it is known to be good or bad."""
        return self in (State.GREEN, State.RED)


class GateState(StrEnum):
    """What a gate says about the head."""

    GREEN = "green"
    RED = "red"
    PENDING = "pending"


class CheckKind(StrEnum):
    """What failed: a gate may well have the name ``build``."""

    GATE = "gate"
    BUILD = "build"


class Purpose(StrEnum):
    """What a probe is for."""

    RELEASE = "release"  # the baseline
    HEAD = "head"  # whether the head is green
    FLAKES = "flakes"  # whether a failure comes again
    SEARCH = "search"  # which ticket or commit breaks a test
    SOAK = "soak"  # whether a test that a ticket adds or changes is flaky
    SLOWNESS = "slowness"  # whether a test file became slower, and by whom


_CHECK = "Whether it is a gate or the build: a gate may have the name build."


@dataclass(frozen=True, kw_only=True)
class RecordedTrunkBreak:
    """A test that passes on the release and fails with the branch's own commits."""

    gate: str
    test: TestId
    commit: Annotated[
        str,
        "The commit of the branch's own (by first parents) with which the test begins to fail; empty if that could "
        "not be shown.",
    ]
    subject: Annotated[str, "That commit's first line."]
    message: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RecordedTrunk:
    """The commits of the tickets' target branch that the release lacks."""

    name: Annotated[str, "The branch."]
    commit: Annotated[CommitId, "The newest of its own commits that a ticket carries."]
    commits: Annotated[int, "How many commits the release lacks of it up to there."]
    broke: Annotated[tuple[RecordedTrunkBreak, ...], "Tests that pass on the release and fail with these commits."]


@dataclass(frozen=True, kw_only=True)
class RecordedOptions:
    """The options of a call that bear on what is integrated."""

    release: str = ""
    only: Numbers = ()
    without: Numbers = ()
    limit: int | None = None
    gates: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    plan: bool = False


@dataclass(frozen=True, kw_only=True)
class RecordedBlocker:
    """A ticket of the head that keeps several others out by conflict."""

    ticket: TicketNumber
    would_fit: Annotated[Numbers, "Those that merge onto the head without it, each by itself."]
    together: Annotated[Numbers, "Those of them that merge onto it one after the other."] = ()
    needed_by: Annotated[Numbers, "Tickets of the head that would have to leave with it."] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedBreakage:
    """A test that a ticket breaks."""

    gate: str
    check: Annotated[CheckKind, _CHECK] = CheckKind.GATE
    test: TestId
    with_: Annotated[Numbers, "The partners without which it breaks nothing."]
    message: str
    evidence: tuple[str, ...]
    file: Annotated[str, "The failing test's file; empty if a gate fails as a whole."] = ""
    commit: Annotated[str, "The candidate that shows it; empty if it could not be merged again."] = ""
    tree: Annotated[str, "That candidate's tree."] = ""
    command: Annotated[str, "What runs the test, in the source of that candidate."] = ""
    image: Annotated[
        str,
        "An image that runs it: a local name, or repository@digest once it was pushed; empty without one.",
    ] = ""
    reproduce: Annotated[str, "The command that shows it on any machine; empty if no candidate shows it."]
    kind: Annotated[
        Kind,
        "How it fails.",
    ] = "failed"
    expected: Annotated[int, "Of a file of which too few tests ran, how many ran on the release; else 0."] = 0

    @property
    def is_build(self) -> bool:
        """Whether the ticket breaks the build, and not a gate."""
        return self.check is CheckKind.BUILD


@dataclass(frozen=True, kw_only=True)
class RecordedTestChanges:
    """What a ticket's diff does to the tests that ran on the head."""

    brings: Annotated[int, "How many tests it adds."] = 0
    takes: Annotated[Tests, "The tests that it deletes or renames."] = ()
    skips: Annotated[Tests, "The tests that it makes a skip of."] = ()
    as_release: Annotated[Tests, "Of those it adds, the ones that fail for a reason that the release has itself."] = ()


@dataclass(frozen=True, kw_only=True)
class SoakedFlake:
    """A test that failed in some of many runs on the head, in a file that a ticket adds or changes."""

    test: TestId
    source: Annotated[
        FlakeSource,
        "ticket: it fails in some runs with the ticket and what it needs, and without the ticket always passes or does "
        "not exist. before: it fails in some runs without the ticket, too. others: it always passes with the ticket "
        "alone. always: it passes with the whole gate, and always fails if only its file runs. unclear: the runs that "
        "could be made do not show it.",
    ]
    fails: Annotated[int, "How many of `runs` failed."]
    runs: Annotated[int, "How often it ran with the ticket and what it needs alone."]
    low: Annotated[float, "The limits of its failure rate with the ticket, with a confidence of 95 %."]
    high: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RecordedSoak:
    """The repeated runs of the test files that a ticket adds or changes."""

    gate: str
    files: tuple[str, ...]
    runs: Annotated[int, "How often they ran, with this commit of the ticket on the heads of this day and of earlier."]
    enough: Annotated[int, "How often they are to run."]
    since: Annotated[str, {"format": "date"}, "The day of the first run."]
    why_not: Annotated[str, "Why they did not run often enough; empty if they did."] = ""
    flakes: tuple[SoakedFlake, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RecordedSlowdown:
    """A test file that takes longer than before, in runs that alternate on the same machine."""

    gate: str
    file: str
    ratio: Annotated[float, "How many times as long it takes on the head as on the release."]
    low: Annotated[float, "The limits of the ratio, with a confidence of 95 %."]
    high: float
    runs: Annotated[int, "How often it ran each way."]
    tickets: Annotated[
        Numbers,
        "The tickets that together make it slower, the last of the merge line first; empty if that is not shown.",
    ] = ()
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RecordedLevel:
    """How many tickets of a priority are in the best set."""

    priority: Annotated[str, "The label; empty for tickets without one."]
    count: int
    at_most: Annotated[int, "No set that is as good in the priorities before has more of them."]


@dataclass(frozen=True, kw_only=True)
class RecordedBestSet:
    """The set of tickets that the merge line starts with, where `[tickets] select` is `best`."""

    tickets: Annotated[Numbers, "In merge order."]
    levels: Annotated[tuple[RecordedLevel, ...], "The highest priority first."]
    proven: Annotated[bool, "Whether no better set exists."]
    exact: Annotated[
        bool,
        "Whether merges have ruled out every better set. Otherwise the bounds assume that tickets which conflict also "
        "do in a larger set, unless it has one more ticket with which they were seen to merge.",
    ]
    incompatible: Annotated[tuple[Numbers, ...], "The sets of tickets that were found not to go together."] = ()


@dataclass(frozen=True, kw_only=True)
class RecordedHint:
    """A hint of `hints.toml` that was used."""

    effect: Annotated[str, "kept out, let in, urgent, merged in this order, or ignored"]
    tickets: Numbers
    tests: tuple[str, ...]
    owner: str
    reason: str
    end: Annotated[str, "When it ends: `until` and a date, or which ticket must be closed."]


@dataclass(frozen=True, kw_only=True)
class RecordedTicket:
    """A ticket and what became of it."""

    number: TicketNumber
    title: str
    url: str
    labels: Annotated[tuple[str, ...], "All labels on which eligibility, priority and release notes rest."] = ()
    priority: str
    commit: Annotated[str, "The commit that was tested, or that was reviewed; empty if there is none."]
    verdict: Verdict
    reason: str
    blocked_by: Numbers
    conflicts: tuple[Conflict, ...]
    broke: tuple[RecordedBreakage, ...]
    resolutions: Annotated[
        tuple[UsedResolution, ...],
        "Kept resolutions of its conflicts with other tickets, of both sides: `ticket` is the one whose merge used it.",
    ] = ()
    tests: Annotated[RecordedTestChanges, "What its diff does to the tests that ran on the head."] = field(
        default_factory=RecordedTestChanges
    )
    soaks: Annotated[
        tuple[RecordedSoak, ...], "The repeated runs of its tests, for each gate with `soak` of whose files it has any."
    ] = ()
    slowdowns: Annotated[
        tuple[RecordedSlowdown, ...], "The files that it makes slower, for each gate with `slower`."
    ] = ()
    alternative: Annotated[
        Alternative | None,
        "Of a ticket that is out: how the best set with it differs from the best set. Missing: it is in, no set "
        "has it, or the best set was not chosen.",
    ] = None
    origin: Annotated[str, "The commit of its own branch, where `commit` is a backport of it; empty elsewhere."] = ""


@dataclass(frozen=True, kw_only=True)
class TestCounts:
    """How many tests ran, and how they ended."""

    __test__ = False  # not for pytest to collect

    tests: int
    passed: int
    failed: int
    skipped: int


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The counts of a gate on the release and on the head; none if it has not run on the head."""

    release: TestCounts | None = None
    head: TestCounts | None = None


@dataclass(frozen=True, kw_only=True)
class FlakyRate:
    """In how many of the day's runs a flaky test failed."""

    fails: int
    runs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedFailure:
    """A failure on the head."""

    test: TestId
    check: Annotated[CheckKind, _CHECK] = CheckKind.GATE
    file: str
    line: Annotated[int, "0 where unknown."]
    kind: Kind
    message: str


@dataclass(frozen=True, kw_only=True)
class RecordedCause:
    """Failures that end with the same words."""

    words: Annotated[str, "The error, without what changes from run to run."]
    file: Annotated[str, "The project's file that raises it; empty where there is none, or several."] = ""
    known: Annotated[Tests, "They fail on the release, too."]
    new: Annotated[Tests, "Tests that only the head has, and that fail for the same reason: no ticket leaves."] = ()


@dataclass(frozen=True, kw_only=True)
class RecordedGate:
    """What a gate showed."""

    state: GateState
    new: Annotated[Tests, "They fail on the head and not on the release."]
    known: Annotated[Tests, "They fail on the release, too."]
    known_once: Annotated[Tests, "Those of `known` that only one run on the release has shown, as no other tells."] = ()
    fixed: Annotated[Tests, "They failed on the release and were seen to pass on the head."]
    gone: Annotated[Tests, "They ran on the release and not on the head, as a ticket's diff says."] = ()
    skipped: Annotated[Tests, "They ran on the release and are skipped on the head, as a ticket's diff says."] = ()
    ran: Annotated[Ran, "How many tests ran, and how they ended. Empty where the gate has not run on the head."] = Ran()
    broken_by_fixes: Annotated[
        Tests, "They pass on the release and fail with the tickets of `[tickets] fixes`, with which it is measured."
    ] = ()
    ignored: Annotated[Tests, "They fail anew on the head, and no ticket leaves for them, as a hint says so."] = ()
    notes: Annotated[
        tuple[str, ...],
        "What was odd about the head's report and had to be repaired to read it.",
    ] = ()
    mended_by: Annotated[
        Numbers,
        "The tickets with which the gate was measured on the release: those of `[tickets] fixes`, and those without "
        "which it measures nothing there. `ran.release` is with them.",
    ] = ()
    causes: Annotated[
        tuple[RecordedCause, ...], "Why several tests of `known` fail, and new tests with them; the commonest first."
    ] = ()
    slower: Annotated[tuple[RecordedSlowdown, ...], "The files that are slower on the head than on the release."] = ()
    pace_unknown: Annotated[str, "Why some files were not judged by `slower` to the end; empty if all were."] = ""
    flaky: Tests
    flaky_rates: Annotated[
        Mapping[TestId, FlakyRate],
        "For each flaky test, in how many of the day's runs it failed.",
    ] = field(default_factory=dict)
    seconds: float
    tests: Annotated[int, "How many tests or examples ran on the head; 0 if unknown."] = 0
    files: Annotated[tuple[str, ...], "The files that are known to have been tested on the head."] = ()
    failures: Annotated[tuple[RecordedFailure, ...], "What `new` is about, and a failed build."] = ()

    @property
    def as_release(self) -> Tests:
        """The tests that only the head has and that fail for a reason that the release has itself."""
        return tuple(test for cause in self.causes for test in cause.new)


@dataclass(frozen=True, kw_only=True)
class RecordedProbe:
    """A probe that the day rests on."""

    gate: str
    check: Annotated[CheckKind, _CHECK] = CheckKind.GATE
    built: Annotated[bool, "Whether the build before it passed."] = True
    why: Annotated[str, "What it was for, in words."]
    purpose: Annotated[Purpose, "What it was for."] = Purpose.HEAD
    tree: CommitId
    tickets: Numbers
    files: Annotated[tuple[str, ...] | None, "The files that it ran; null: the whole gate."]
    attempt: Annotated[int, {"minimum": 1}]
    incremental: Annotated[bool, "Whether its build may have started from another one; no decision rests on it."] = (
        False
    )
    failures: int
    failed: Annotated[Tests, "The tests that failed in it."] = ()
    tests: Annotated[int, "How many tests ran."] = 0
    seconds: float
    log: Annotated[str, "Below the state folder."]

    @property
    def is_build(self) -> bool:
        """Whether only the build ran."""
        return self.check is CheckKind.BUILD


class ImageKind(StrEnum):
    """What an image of a record is for."""

    RELEASE = "release"
    EVIDENCE = "evidence"
    HEAD = "head"


@dataclass(frozen=True, kw_only=True)
class RecordedImage:
    """An image that ``publish`` may push."""

    kind: ImageKind
    name: str
    id: Annotated[str, "Empty if the registry had the image already."]
    number: Annotated[int, "Of evidence: the ticket at fault."] = 0
    gate: Annotated[str, "Of evidence: the gate that it breaks."] = ""
    tree: Annotated[str, "Of evidence: the tree that shows it."] = ""


@dataclass(frozen=True, kw_only=True)
class RecordedSetup:
    """What another machine needs to make the same environment: the configuration that a probe depends on."""

    repository: Annotated[
        str,
        "The project's own address, without user and password; of a clone, its origin's. Empty if it has none, "
        "`sample:` for the bundled sample.",
    ]
    submodules: bool
    engine: Annotated[Mapping[str, Any], "Keys of [engine] that are not at their default."]
    dockerfile: Annotated[str, "The content of [engine] dockerfile."]
    build: Annotated[Mapping[str, Any], "Keys of [build]."]
    gates: Annotated[tuple[Mapping[str, Any], ...], "Keys of each of [[gates]]."]
    python: Annotated[str, "The version of the Python that ran the session, and, with the local engine, the probes."]


@dataclass(frozen=True, kw_only=True)
class PublishedImage:
    """An image in a registry."""

    name: str
    reference: Annotated[str, "repository@digest"] = ""


@dataclass(frozen=True, kw_only=True)
class PublishedBranch:
    """A branch in the project's repository."""

    name: str
    commit: str
    repository: str


@dataclass(frozen=True, kw_only=True)
class RefusedChange:
    """A change to a ticket that its tracker refuses to take."""

    number: TicketNumber
    part: str
    why: str
    since: str


@dataclass(frozen=True, kw_only=True)
class Published:
    """What was published; each field is missing if nothing of its kind was to be published."""

    image: PublishedImage | None = None
    branch: PublishedBranch | None = None
    tickets: Annotated[Numbers | None, "Tickets whose comment, labels and status are up to date."] = None
    closed: Annotated[Numbers | None, "Tickets that were closed."] = None
    refused: Annotated[tuple[RefusedChange, ...] | None, "What the tracker refuses to take."] = None


@dataclass(frozen=True, kw_only=True)
class Timings:
    """How long it took."""

    seconds: Annotated[float, "How long this call took."]
    probes_run: Annotated[int, "How many probes ran in this call."]
    probe_seconds: Annotated[float, "How long all probes of the day took together."]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a session found."""

    version: Annotated[int, {"const": RECORD_VERSION}, "Version of this format."] = RECORD_VERSION
    integrand: Annotated[str, "The version of Integrand that wrote this record."] = ""
    project: str
    release: Annotated[
        str, "The tag that the day started from; of a branch, what `git describe` calls its newest commit."
    ]
    base: Annotated[CommitId, "The release's commit."]
    trunk: Annotated[
        RecordedTrunk | None,
        "What the tickets carry of the branch that they are for and the release lacks: it comes first in the merge "
        "line, and no ticket is blamed for it. null: nothing.",
    ] = None
    date: Annotated[str, {"format": "date"}]
    branch: Annotated[str, "Name of the integration branch."]
    head: Annotated[CommitId, "The release with all tickets of `order` merged."]
    tree: Annotated[CommitId, "The head's tree."]
    state: Annotated[
        State,
        "green: every gate passes on the head. red: one fails and nobody could be shown to be the cause. paused: the "
        "budget ended, or gates have still to run. empty: no ticket in the head, or no gate requested. broken: our "
        "own machinery failed. running: the session goes on, or was killed.",
    ]
    message: Annotated[str, "One sentence about the state."]
    complete: Annotated[
        bool,
        "Whether this call did all that it was to do: a day may still wait for other gates or shards.",
    ] = True
    asked: Annotated[tuple[str, ...], "The gates that this call could run."]
    options: Annotated[
        RecordedOptions,
        "The options of this call that bear on what is integrated, as far as they were given.",
    ] = RecordedOptions()
    queue: Annotated[Numbers, "The tickets that were ready, in the order in which the merge line tried them."] = ()
    order: Annotated[Numbers, "The tickets of the head in merge order."]
    hints: Annotated[tuple[RecordedHint, ...], "The hints that were used."] = ()
    best_set: Annotated[RecordedBestSet | None, "Missing where `[tickets] select` is `first`."] = None
    blockers: Annotated[
        tuple[RecordedBlocker, ...],
        "Tickets of the head that keep several others out by conflict, as merges without them have shown.",
    ] = ()
    tickets: tuple[RecordedTicket, ...]
    released: Annotated[
        Numbers,
        "Tickets that an earlier day listed and this one does not, as the release has their commits. Those of earlier "
        "days are not repeated.",
    ] = ()
    gates: Mapping[str, RecordedGate]
    probes: Annotated[
        tuple[RecordedProbe, ...],
        "What the day rests on, in order, whether it ran in this call or before.",
    ]
    engine: Annotated[str, "Which engine ran the probes; empty if none ran."]
    image: str
    images: Annotated[tuple[RecordedImage, ...], "The images that `publish` may push."] = ()
    published: Annotated[Published, "What left the machine."]
    unpushed: Annotated[
        str,
        "Why the branch of the green head could not be pushed, though it was to be. Until it is, no ticket is told "
        "that it is integrated. Empty where nothing is wrong, and in records of before.",
    ] = ""
    setup: Annotated[
        RecordedSetup | None,
        "What another machine needs to make the same environment, beside the files of the commits. Records of before "
        "have none.",
    ] = None
    timings: Timings

    @property
    def culprits(self) -> tuple[RecordedTicket, ...]:
        """The tickets that break something."""
        return tuple(each for each in self.tickets if each.verdict is Verdict.CULPRIT)

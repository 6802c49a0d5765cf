"""Open a day: lock the state folder, open the ledger, and find the release."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sessions.day.effective_configuration import configuration_of, with_baseline, with_sample
from sessions.day.opened_merger import open_merger
from sessions.day.state_folder import hold_state
from sessions.day.state_sync import take_over
from sessions.ledger.ledger import Ledger, ProbeResult
from sessions.ledger.record_file import day_folder, record_of_day
from sessions.settings.configuration import Config, Gate
from sessions.settings.options import Options
from sessions.source.merging import Candidate, Merger
from sessions.source.mirror import Mirror
from sessions.source.releases import Release
from sessions.terminal.console import Console


@dataclass(frozen=True, kw_only=True)
class Day:
    """Everything that a story needs; made by :func:`open_day`."""

    options: Options
    config: Config
    console: Console
    state: Path
    ledger: Ledger
    mirror: Mirror
    release: Release
    merger: Merger
    started: float

    @property
    def branch(self) -> str:
        """The name of the day's integration branch."""
        name = self.config.project.branch
        return name.replace("{release}", self.release.tag).replace("{date}", self.options.date.isoformat())

    @property
    def base(self) -> Candidate:
        """The candidate that tickets are merged onto and compared with: the release and the target branch's commits."""
        return self.merger.base

    @property
    def start(self) -> str:
        """What ``base`` is, as a phrase."""
        return self.merger.start if self.merger.trunk else f"{self.release.tag} itself"

    @property
    def home(self) -> Path:
        """The folder of the days: the state folder, or that of a release line within it."""
        return self.options.home

    @property
    def folder(self) -> Path:
        """The folder of the day's record and report."""
        return day_folder(self.home, self.options.date.isoformat(), plan=self.options.plan, is_part=self.is_part)

    @property
    def is_part(self) -> bool:
        """Whether the call is narrowed to some tickets or files."""
        return bool(self.options.only or self.options.files)

    def read_log(self, probe_result: ProbeResult) -> str:
        """Return what a probe printed; empty if its log does not exist any more."""
        log = self.state / probe_result.log
        return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""

    def is_begun(self) -> bool:
        """Whether this day's tickets have a record already."""
        record = record_of_day(self.folder)
        return record is not None and record.base == self.release.commit and bool(record.tickets)

    def earlier_culprits(self) -> list[int]:
        """Return how many tickets were at fault on each of the last days whose record can be read."""
        today = self.folder.name[:10]
        folders = [each for each in sorted((self.home / "days").glob("????-??-??"))[-14:] if each.name != today]
        records = [record for folder in folders if (record := record_of_day(folder))]
        return [len(record.culprits) for record in records if record.state.is_decided]

    def asked_gates(self) -> tuple[Gate, ...]:
        """Return the gates to run in this session. Raises :class:`UsageError` for an unknown name."""
        requested = self.options.gates
        return tuple(self.config.gate(name) for name in requested) if requested else self.config.gates


@contextmanager
def open_day(options: Options, console: Console) -> Iterator[Day]:
    """Lock the state folder, read the configuration, find the release.

    Raises :class:`UsageError` for a wrong configuration, :class:`StateInUseError` if another session works in
    the state folder, :class:`SourceError` where the repository or the release cannot be had.
    """
    started = time.monotonic()
    config = configuration_of(options)
    with ExitStack() as borrowed:
        borrowed.enter_context(hold_state(options.state))
        config = with_sample(config, options.state)
        take_over(config, options, console)
        ledger = Ledger(options.state / "ledger.sqlite")
        borrowed.callback(ledger.close)
        mirror = Mirror.of(config.project.repository, options.state)
        merger = open_merger(mirror, config, options)
        borrowed.callback(merger.close)
        release = merger.release
        config = with_baseline(config, release)
        tip = f", the tip of {release.branch}" if release.branch else ""
        console.step(f"{config.project.name} {release.tag} ({release.commit[:10]}{tip}), {options.date}")
        if release.aside:
            console.detail(release.aside)
        if options.fresh or options.rerun_failed:
            ledger.forget(keep_passes=not options.fresh, keep_tree=release.tree)
        yield Day(
            options=options,
            config=config,
            console=console,
            state=options.state,
            ledger=ledger,
            mirror=mirror,
            release=release,
            merger=merger,
            started=started,
        )

"""A day's work, opened: the state folder locked, the ledger at hand, the release found, the engine ready."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from sessions.day.probe_runner import ProbeRunner
from sessions.day.state_sync import take_over
from sessions.engines.choice import choose_engine
from sessions.engines.dask.pool import choose_pool
from sessions.engines.docker import baseline_image
from sessions.engines.docker.daemon import legal_tag
from sessions.ledger.ledger import Ledger, ProbeResult
from sessions.ledger.record_file import find_record
from sessions.sample.unpack import unpack_sample
from sessions.settings.configuration import Config, Gate, load_config
from sessions.settings.options import Options
from sessions.source.merging import Candidate, Merger
from sessions.source.mirror import Mirror
from sessions.source.overlays import export, size_of
from sessions.source.releases import Release
from sessions.source.start import BRANCH, find_start, source_in
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError, StateInUseError, UsageError

_SAMPLE = "sample:"


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
        """What all tickets are merged onto and measured against: the release, and what they carry of their branch."""
        return self.merger.base

    @property
    def start(self) -> str:
        """What ``base`` is, as a phrase."""
        return self.merger.start if self.merger.trunk else f"{self.release.tag} itself"

    @property
    def folder(self) -> Path:
        """Where the day's record and report go; a plan has a folder of its own, so that it hides no results."""
        return self.state / "days" / (self.options.date.isoformat() + ("-plan" if self.options.plan else ""))

    def read_log(self, probe_result: ProbeResult) -> str:
        """What a probe printed; empty where its log is not there any more."""
        log = self.state / probe_result.log
        return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""

    def is_begun(self) -> bool:
        """Whether this day's tickets have a record already."""
        record = find_record(self.folder)
        return record is not None and record.base == self.release.commit and bool(record.tickets)

    def earlier_culprits(self) -> list[int]:
        """How many tickets were at fault on each of the last days whose record can be read."""
        folders = sorted((self.state / "days").glob("????-??-??"))[-14:]
        records = [record for folder in folders if folder != self.folder and (record := find_record(folder))]
        return [len(record.culprits) for record in records if record.state.is_decided]

    def asked_gates(self) -> tuple[Gate, ...]:
        """The gates to run in this call. Raises :class:`UsageError` for a name that is none."""
        wanted = self.options.gates
        return tuple(self.config.gate(name) for name in wanted) if wanted else self.config.gates

    def _export(self, folder: Path) -> None:
        """Write the release's files."""
        export(self.mirror.repository, self.release.tree, folder, submodules=self.config.project.submodules)

    @contextmanager
    def runner(self) -> Iterator[ProbeRunner]:
        """The engine with the release's image prepared."""
        kind = self.options.engine or self.config.engine.kind
        sample = Path(self.config.project.repository).is_relative_to(self.state / "sample")
        engine = choose_engine(self.config, kind, self.state, self.console.detail, trusted=sample)
        with ExitStack() as borrowed:
            borrowed.callback(engine.close)
            self.console.detail(f"engine: {engine.name}, as {engine.why}")
            if self.options.publish and self.config.engine.image and engine.registry:
                engine.registry.check_login()  # now, and not after hours
            repository, tree = self.mirror.repository, self.release.tree
            self.console.detail(f"disk: {engine.room(self.release.tag, size_of(repository, tree))}")
            tag, commit = self.release.tag, self.release.commit
            release = baseline_image.ImageSource(tag=tag, commit=commit, tree=tree, export=self._export)
            image = engine.prepare(tag, commit, tree, release.export)
            self.console.detail(f"image: {image.name}")
            source = source_in(self.mirror, image.revision, self.release)
            if source.aside:
                self.console.detail(source.aside)
            jobs = self.options.jobs or os.cpu_count() or 1
            pool = choose_pool(self.config, engine, image, release, jobs=jobs, warn=self.console.detail)
            borrowed.callback(pool.close)
            budget = self.options.budget
            yield ProbeRunner(
                config=self.config,
                engine=engine,
                pool=pool,
                shards=pool.size if self.config.engine.workers == "dask" else 1,
                image=image,
                repository=repository,
                release_tree=source.tree,
                ledger=self.ledger,
                state=self.state,
                console=self.console,
                asked=frozenset(gate.name for gate in self.asked_gates()),
                globs=self.options.files,
                jobs=self.options.jobs,
                deadline=None if budget is None else self.started + budget,
            )


@contextmanager
def open_day(options: Options, console: Console) -> Iterator[Day]:
    """Lock the state folder, read the configuration, find the release.

    Raises :class:`UsageError` for a wrong configuration, :class:`StateInUseError` where another session works in
    the state folder, :class:`SourceError` where the repository or the release cannot be had.
    """
    started = time.monotonic()
    config = apply_options(load_config(options.config), options)
    with ExitStack() as borrowed:
        borrowed.enter_context(hold_state(options.state))
        config = with_sample(config, options.state)
        take_over(config, options, console)
        ledger = Ledger(options.state / "ledger.sqlite")
        borrowed.callback(ledger.close)
        mirror = Mirror.of(config.project.repository, options.state)
        project = config.project
        release = find_start(mirror, options.release or project.release, project.tags, project.name)
        config = with_baseline(config, release)
        tip = f", the tip of {release.branch}" if release.branch else ""
        console.step(f"{project.name} {release.tag} ({release.commit[:10]}{tip}), {options.date}")
        if release.aside:
            console.detail(release.aside)
        if options.fresh or options.rerun_failed:
            ledger.forget(keep_passes=not options.fresh, keep_tree=release.tree)
        signed, modules = project.committer, project.submodules
        merger = Merger(mirror.repository, release, options.date, signed, submodules=modules)
        borrowed.callback(merger.close)
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


@contextmanager
def hold_state(state: Path) -> Iterator[None]:
    """One session at a time in a state folder; the lock goes with the process, however that ends."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state / "lock", timeout=0)
        holder = state / "holder.json"
        try:
            with lock:
                words = {"pid": os.getpid(), "since": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")}
                holder.write_text(json.dumps(words), encoding="utf-8")
                yield
        except Timeout:
            raise StateInUseError(
                f"Another session works in {state} ({_who(holder)}): wait for it, or take another folder with --state."
            ) from None
    except OSError as error:
        raise InfrastructureError(
            f"The state folder {state} cannot be used: {error.strerror or error}. Make room or take another "
            "folder with --state, then run again; what is known is kept."
        ) from None


def _who(holder: Path) -> str:
    try:
        words = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {words['pid']} since {words['since']}"
    except (OSError, ValueError, KeyError):
        return "it does not say which"


def apply_options(config: Config, options: Options) -> Config:
    """The configuration with options applied and its paths counted from where it lies."""
    home = options.config.parent
    project, engine, tickets = config.project, config.engine, config.tickets
    if options.repository:
        project = replace(project, repository=options.repository)
    elif project.repository != _SAMPLE and (home / project.repository).exists():
        project = replace(project, repository=str((home / project.repository).resolve()))
    if tickets.tracker == "file" and tickets.url != _SAMPLE and "://" not in tickets.url:
        tickets = replace(tickets, url=str((home / tickets.url).resolve()))
    if engine.dockerfile:
        engine = replace(engine, dockerfile=str((home / engine.dockerfile).resolve()))
    return replace(config, project=project, engine=engine, tickets=tickets)


def with_baseline(config: Config, release: Release) -> Config:
    """The configuration with the release's commit and branch in the name of its image.

    Raises :class:`UsageError` where the name asks for a branch, and the day starts from a tag.
    """
    name, start = config.engine.baseline.replace("{commit}", release.commit), config.project.release
    # A day of the past, looked into, is named by its commit.
    branch = release.branch or (start.removeprefix(BRANCH) if start.startswith(BRANCH) else "")
    if "{branch}" in name and not branch and config.engine.kind != "local":
        raise UsageError(
            f"[engine] baseline has {{branch}}, and the day starts from the tag {release.tag}: write {{release}}, or "
            'start from a branch, as [project] release = "branch:main".'
        )
    name = name.replace("{branch}", legal_tag(branch))
    return replace(config, engine=replace(config.engine, baseline=name))


def with_sample(config: Config, state: Path) -> Config:
    """``sample:`` in the configuration as the paths of the bundled sample, made on first use."""
    places = (config.project.repository, config.tickets.url)
    if _SAMPLE not in places:
        return config
    sample = unpack_sample(state / "sample")
    project, tickets = config.project, config.tickets
    if project.repository == _SAMPLE:
        project = replace(project, repository=str(sample.repository))
    if tickets.url == _SAMPLE:
        tickets = replace(tickets, url=str(sample.tickets))
    return replace(config, project=project, tickets=tickets)

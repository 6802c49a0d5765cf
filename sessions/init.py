"""``nox -s init``: write a first ``integration.toml`` from what a clone shows and the user answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

from sessions.day.state_folder import hold_state
from sessions.day.trial import try_gates
from sessions.first_steps.commands import dockerfile, how_documented, how_tested_in
from sessions.first_steps.draft import ProjectFacts, draft_config, draft_tickets
from sessions.first_steps.files import Files, TestCommand
from sessions.first_steps.ignored import add_rules, missing_rules
from sessions.first_steps.origin import Origin, find_origin
from sessions.first_steps.readable_refs import submodules_fault
from sessions.first_steps.start_point import (
    NEWEST_TAG,
    StartPoint,
    newest_start,
    propose_start,
    release_pattern,
    target_of,
)
from sessions.first_steps.tickets import TICKET_FILE, Source, find_tickets
from sessions.settings.configuration_file import load_config
from sessions.settings.init_options import InitOptions
from sessions.settings.options import Options
from sessions.source.mirror import Mirror
from sessions.source.overlays import files_of
from sessions.source.releases import Release
from sessions.source.start import find_start
from sessions.terminal.console import Console
from sessions.terminal.errors import UsageError
from sessions.tickets.trackers import recognise_clone

CONFIG = "integration.toml"


def init(options: InitOptions, console: Console) -> None:
    """Examine the repository, ask questions on a terminal, write the configuration, and say what to type next.

    Raises :class:`UsageError` if there is a configuration already or a gate that was tried measured nothing, and
    :class:`SourceError` if the repository cannot be read or has no release.
    """
    _refuse_to_overwrite(options.folder / CONFIG)
    console.step("Examining the repository")
    origin = _origin(options, console)
    with hold_state(options.state):
        found = _look(options, origin, console)
        _write(options.folder, found)
    load_config(options.folder / CONFIG)
    _offer_rules(options, console)
    console.good(f"{CONFIG} is written. Read it: its comments say where each value comes from.")
    if options.wants_trial(
        found.beginning.newest.tag if found.beginning.wanted == "latest" else found.beginning.wanted
    ):
        _try_gates(options, console)
    console.detail("next: nox -s integrate -- --plan")
    console.detail("it shows in seconds what would be merged and what conflicts; no gate runs")


def _offer_rules(options: InitOptions, console: Console) -> None:
    if rules := missing_rules(options.folder):
        if options.wants_ignored(rules):
            add_rules(options.folder, rules)
            console.detail(f".gitignore: {', '.join(rules)} added")
        else:
            console.detail(f".gitignore does not have {', '.join(rules)}: git shows them as untracked")


def _try_gates(options: InitOptions, console: Console) -> None:
    today = dt.datetime.now(dt.UTC).date()
    try_gates(Options(config=options.folder / CONFIG, state=options.state, date=today), console)


def _refuse_to_overwrite(place: Path) -> None:
    if place.exists():
        raise UsageError(
            f"{place} exists, and is not overwritten: delete it, or continue with `nox -s integrate -- --plan`."
        )


def _look(options: InitOptions, origin: Origin, console: Console) -> ProjectFacts:
    here = options.folder / origin.address
    # The same name as in `integrate`, so that both use one mirror.
    mirror = Mirror.of(
        str(here.resolve()) if "://" not in origin.address and here.exists() else origin.address, options.state
    )
    tags = _tags(options, mirror, origin.name, console)
    newest = newest_start(mirror, tags, origin.name, options.release)
    source = _tickets(options, origin, mirror, newest.newest, console)
    proposed = newest if options.release else propose_start(mirror, newest, source.seen)
    beginning = _beginning(options, proposed, console)
    release = find_start(mirror, beginning.wanted, tags, origin.name)
    console.detail(f"release: {release.tag}" + (f", the tip of {release.branch}" if release.branch else ""))
    files = _files_of(mirror, release)
    own = how_tested_in(files, _subfolder(options.folder, origin), str(release.version))
    tests = _check(options, "tests", "How is it tested?", own, console)
    docs = _check(
        options,
        "docs",
        "How is its manual made (- for not at all)?",
        how_documented(files, str(release.version)),
        console,
    )
    return ProjectFacts(
        origin=origin,
        beginning=beginning,
        tags=tags,
        source=source,
        tests=tests,
        docs=docs,
        dockerfile=_dockerfile(options, files, console),
        submodules=_submodules(mirror, release, console),
        released=_day_of(mirror, release),
    )


def _tags(options: InitOptions, mirror: Mirror, name: str, console: Console) -> str:
    """Return the glob of the release tags; ask only if several kinds of tags look like releases."""
    found = release_pattern(mirror, name)
    if not found and options.tags is None:
        return ""
    tags = options.choose("tags", "Which tags are releases (a glob; - for all that read as versions)?", found)
    console.detail(f"tags: {tags or 'all that read as versions'}")
    return tags


def _beginning(options: InitOptions, proposed: StartPoint, console: Console) -> StartPoint:
    question = f"Start from which release, or branch:NAME (the newest release is {proposed.newest.tag})?"
    chosen = options.choose("release", question, proposed.wanted) or "latest"
    if chosen == proposed.wanted:
        why = f", as {proposed.why[:1].lower()}{proposed.why[1:]}"
        if proposed.why == NEWEST_TAG:
            why = f", the newest tag by version: {proposed.newest.tag}"
        console.detail(f"start: {chosen}" + ("" if options.release else why))
        return proposed
    return replace(proposed, wanted=chosen, why=f"As you said; {NEWEST_TAG}")


def _origin(options: InitOptions, console: Console) -> Origin:
    origin = find_origin(options.folder, options.repository)
    chosen = options.choose("repository", "Which repository?", origin.address)
    if options.repository is None and chosen != origin.address:
        origin = find_origin(options.folder, chosen)
    console.detail(f"repository: {origin.address}" + (f" (this clone: {origin.why})" if origin.why else ""))
    return origin


def _subfolder(folder: Path, origin: Origin) -> str:
    """Return the folder of the clone where the user typed; empty at its top, or if another repository was named."""
    place = folder.resolve().relative_to(origin.top.resolve()).as_posix() if origin.top else "."
    return "" if place == "." else place


def _tickets(options: InitOptions, origin: Origin, mirror: Mirror, release: Release, console: Console) -> Source:
    proposed = recognise_clone(origin.said, _files_of(mirror, release).text)
    detected = proposed.url if proposed else ""
    chosen = options.choose("tracker", "Where are its tickets (- for a file that is made now)?", detected)
    # A detected address may fail to answer; one that was typed must not.
    typed = chosen if chosen != detected else None
    source = find_tickets(typed or None, proposed if chosen else None, mirror, release)
    milestone = options.choose("milestone", "Which milestone (`current`, a name, - for any)?", source.milestone)
    ready = options.choose("ready", "Which labels make a ticket ready (- for all)?", ",".join(source.ready))
    labels = tuple(label.strip() for label in ready.split(",") if label.strip())
    count = "" if source.listed is None else f": {len(source.listed)} that are open, in {TICKET_FILE}"
    console.detail(f"tickets: {source.tracker}, as {source.why}{count}")
    if source.listed == ():
        console.detail(f"{TICKET_FILE} says how to get some")
    for ref, reason in source.left_out.items():
        console.detail(f"left out: {ref}, as {reason}")
    return replace(source, milestone=milestone, ready=labels, target=target_of(mirror))


def _check(
    options: InitOptions, name: str, question: str, found: TestCommand | None, console: Console
) -> TestCommand | None:
    run = options.choose(name, question, found.run if found else "")
    console.detail(f"{name}: {run or 'none'}" + (f" ({found.why})" if found and run == found.run else ""))
    if found and run == found.run and found.missing_network:
        console.detail(f"build: {found.missing_network}")
    if not run:
        if name == "tests":
            console.bad(f"No test command was found, so the gate tests runs `true`: write yours into {CONFIG}")
        return None
    if found and run == found.run:
        return found
    is_junit = "{results}" in run
    return TestCommand(
        name=name,
        run=run,
        why="as you said",
        format="junit" if is_junit else "exit",
        needs=found.needs if found else (),
    )


def _dockerfile(options: InitOptions, files: Files, console: Console) -> tuple[str, str] | None:
    found = dockerfile(files)
    recipe = options.choose("dockerfile", "A Dockerfile of its own (- for none)?", found[0] if found else "")
    if not recipe:
        return None
    if recipe not in files.paths:
        raise UsageError(f"--dockerfile {recipe} is no file of the release: name it from the repository's top.")
    console.detail(f"image: built from {recipe}")
    return found if found and found[0] == recipe else (recipe, "/source")


def _submodules(mirror: Mirror, release: Release, console: Console) -> str | None:
    fault = submodules_fault(mirror, release.tree)
    if fault:
        console.detail(f"left out: submodules, as {fault}")
    return fault


def _files_of(mirror: Mirror, release: Release) -> Files:
    return Files(frozenset(files_of(mirror.repository, release.tree)), lambda path: _read(mirror, release, path))


def _read(mirror: Mirror, release: Release, path: str) -> str:
    blob = mirror.repository.git("cat-file", "blob", f"{release.tree}:{path}")
    return blob.out.decode("utf-8", "replace")


def _day_of(mirror: Mirror, release: Release) -> str:
    seconds = mirror.repository.git("log", "-1", "--format=%ct", release.commit).text
    return dt.datetime.fromtimestamp(int(seconds), dt.UTC).date().isoformat()


def _write(folder: Path, found: ProjectFacts) -> None:
    texts = {CONFIG: draft_config(found)}
    if found.source.listed is not None:
        texts[TICKET_FILE] = draft_tickets(found.source)
        _refuse_to_overwrite(folder / TICKET_FILE)
    for name, text in texts.items():
        with (folder / name).open("x", encoding="utf-8") as file:
            file.write(text)

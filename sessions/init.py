"""``nox -s init``: a first ``integration.toml`` for one's own project, detected and asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sessions.config import load_config
from sessions.day import hold_state
from sessions.errors import UsageError
from sessions.first_steps.beginning import Beginning, newest_start, release_pattern, where_to_begin
from sessions.first_steps.commands import dockerfile, how_documented, how_tested
from sessions.first_steps.draft import Findings, draft_config, draft_tickets
from sessions.first_steps.files import Check, Files
from sessions.first_steps.origin import Origin, find_origin
from sessions.first_steps.tickets import TICKETS, Source, find_tickets
from sessions.first_steps.wishes import Wishes
from sessions.narrator import Narrator
from sessions.source.mirror import Mirror
from sessions.source.overlays import files_of
from sessions.source.releases import Release
from sessions.source.start import find_start
from sessions.trial import try_gates

CONFIG = "integration.toml"


def init(wishes: Wishes, narrator: Narrator) -> None:
    """Look at the repository, ask where somebody is there to answer, write what was found, say what to type next.

    Raises :class:`UsageError` where there is a configuration already, :class:`SourceError` where the repository
    cannot be read or has no release, and :class:`UsageError` where a gate that was tried measured nothing.
    """
    _refuse_to_overwrite(wishes.folder / CONFIG)
    narrator.step("What the repository tells")
    origin = _origin(wishes, narrator)
    with hold_state(wishes.state):
        found = _look(wishes, origin, narrator)
        _write(wishes.folder, found)
    load_config(wishes.folder / CONFIG)
    narrator.good(f"{CONFIG} is written: read it, it says why it is as it is.")
    if wishes.wants_trial(found.beginning.newest.tag if found.beginning.wanted == "latest" else found.beginning.wanted):
        try_gates(wishes.folder / CONFIG, wishes.state, narrator)
    narrator.detail(f"next: {_command(wishes)}")
    narrator.detail("it says in seconds what would be merged and what conflicts, and runs nothing")


def _refuse_to_overwrite(place: Path) -> None:
    if place.exists():
        raise UsageError(
            f"{place} is there already, and is yours: delete it, or go on with `nox -s integrate -- --plan`."
        )


def _look(wishes: Wishes, origin: Origin, narrator: Narrator) -> Findings:
    here = wishes.folder / origin.address
    # As `integrate` will name it, so that both have one mirror.
    mirror = Mirror.of(
        str(here.resolve()) if "://" not in origin.address and here.exists() else origin.address, wishes.state
    )
    tags = _tags(wishes, mirror, origin.name, narrator)
    newest = newest_start(mirror, tags, origin.name)
    source = _tickets(wishes, origin, mirror, newest.newest, narrator)
    beginning = _beginning(wishes, where_to_begin(mirror, newest, source.seen), narrator)
    release = find_start(mirror, beginning.wanted, tags, origin.name)
    narrator.detail(f"release: {release.tag}" + (f", the tip of {release.branch}" if release.branch else ""))
    files = Files(frozenset(files_of(mirror.repository, release.tree)), lambda path: _read(mirror, release, path))
    tests = _check(wishes, "tests", "How is it tested?", how_tested(files, str(release.version)), narrator)
    docs = _check(
        wishes,
        "docs",
        "How is its manual made (- for not at all)?",
        how_documented(files, str(release.version)),
        narrator,
    )
    return Findings(
        origin=origin,
        beginning=beginning,
        tags=tags,
        source=source,
        tests=tests,
        docs=docs,
        dockerfile=_dockerfile(wishes, files, narrator),
    )


def _tags(wishes: Wishes, mirror: Mirror, name: str, narrator: Narrator) -> str:
    """Which tags are releases: asked for only where several kinds of tags look like releases."""
    found = release_pattern(mirror, name)
    if not found and wishes.tags is None:
        return ""
    tags = wishes.choose("tags", "Which tags are releases (a glob; - for all that read as versions)?", found)
    narrator.detail(f"tags: {tags or 'all that read as versions'}")
    return tags


def _beginning(wishes: Wishes, proposed: Beginning, narrator: Narrator) -> Beginning:
    question = f"Start from which release, or branch:NAME (the newest release is {proposed.newest.tag})?"
    wanted = wishes.choose("release", question, proposed.wanted) or "latest"
    if wanted == proposed.wanted:
        narrator.detail(f"start: {wanted}, as {proposed.why[:1].lower()}{proposed.why[1:]}")
        return proposed
    return replace(proposed, wanted=wanted, why="As you said; `latest` is the newest tag by version")


def _origin(wishes: Wishes, narrator: Narrator) -> Origin:
    origin = find_origin(wishes.folder, wishes.repository)
    chosen = wishes.choose("repository", "Which repository?", origin.address)
    if wishes.repository is None and chosen != origin.address:
        origin = find_origin(wishes.folder, chosen)
    narrator.detail(f"repository: {origin.address}" + (f" (this clone: {origin.why})" if origin.why else ""))
    return origin


def _tickets(wishes: Wishes, origin: Origin, mirror: Mirror, release: Release, narrator: Narrator) -> Source:
    wanted = wishes.choose("tracker", "Where are its tickets (- for a file that is made now)?", origin.github) or None
    # What was merely confirmed may still fail to answer; what was typed must not.
    is_own_idea = wanted is not None and wanted != origin.github
    source = find_tickets(wanted if is_own_idea else None, wanted or "", mirror, release)
    milestone = wishes.choose("milestone", "Which milestone (`current`, a name, - for any)?", source.milestone)
    ready = wishes.choose("ready", "Which labels make a ticket ready (- for all)?", ",".join(source.ready))
    labels = tuple(label.strip() for label in ready.split(",") if label.strip())
    count = "" if source.listed is None else f": {len(source.listed)} that are open, in {TICKETS}"
    narrator.detail(f"tickets: {source.tracker}, as {source.why}{count}")
    if source.listed == ():
        narrator.detail(f"{TICKETS} says how to come by some")
    return replace(source, milestone=milestone, ready=labels)


def _check(wishes: Wishes, name: str, question: str, found: Check | None, narrator: Narrator) -> Check | None:
    run = wishes.choose(name, question, found.run if found else "")
    narrator.detail(f"{name}: {run or 'none'}" + (f" ({found.why})" if found and run == found.run else ""))
    if not run:
        return None
    if found and run == found.run:
        return found
    is_junit = "{results}" in run
    return Check(
        name=name,
        run=run,
        why="as you said",
        format="junit" if is_junit else "exit",
        needs=found.needs if found else (),
    )


def _dockerfile(wishes: Wishes, files: Files, narrator: Narrator) -> tuple[str, str] | None:
    found = dockerfile(files)
    recipe = wishes.choose("dockerfile", "A Dockerfile of its own (- for none)?", found[0] if found else "")
    if not recipe:
        return None
    if recipe not in files.paths:
        raise UsageError(f"--dockerfile {recipe} is no file of the release: name it from the repository's top.")
    narrator.detail(f"image: built from {recipe}")
    return found if found and found[0] == recipe else (recipe, "/source")


def _read(mirror: Mirror, release: Release, path: str) -> str:
    blob = mirror.repository.git("cat-file", "blob", f"{release.tree}:{path}")
    return blob.out.decode("utf-8", "replace")


def _write(folder: Path, found: Findings) -> None:
    texts = {CONFIG: draft_config(found)}
    if found.source.listed is not None:
        texts[TICKETS] = draft_tickets(found.source)
        _refuse_to_overwrite(folder / TICKETS)
    for name, text in texts.items():
        with (folder / name).open("x", encoding="utf-8") as file:
            file.write(text)


def _command(wishes: Wishes) -> str:
    noxfile = Path(__file__).resolve().parent.parent / "noxfile.py"
    elsewhere = "" if noxfile.parent == wishes.folder else f"-f {noxfile} "
    return f"nox {elsewhere}-s integrate -- --plan"

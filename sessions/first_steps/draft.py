"""Write the configuration and the file of tickets, as text with comments. Pure."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

import tomlkit
from tomlkit.items import AoT, Table

from sessions.first_steps.files import TestCommand
from sessions.first_steps.origin import Origin
from sessions.first_steps.pins import as_of
from sessions.first_steps.start_point import StartPoint
from sessions.first_steps.tickets import Source
from sessions.source.start import BRANCH
from sessions.tickets.model import Ticket


@dataclass(frozen=True, kw_only=True)
class ProjectFacts:
    """The detected facts that go into the configuration.

    ``submodules`` is why they cannot be fetched, empty if they can be, and None if there are none.
    """

    origin: Origin
    beginning: StartPoint
    tags: str
    source: Source
    tests: TestCommand | None
    docs: TestCommand | None
    dockerfile: tuple[str, str] | None
    submodules: str | None = None
    released: str = ""


def draft_config(found: ProjectFacts) -> str:
    """Return the text of ``integration.toml``, with comments on why a value was chosen and how to change it."""
    document = tomlkit.document()
    for line in (
        "What Integrand integrates: written by `nox -s init`, yours to change.",
        "Every key is in Integrand's docs/configuration.md.",
    ):
        document.add(tomlkit.comment(line))
    document.add("version", tomlkit.item(1))
    document.add("project", _project(found))
    document.add("tickets", _tickets(found.source))
    document.add("engine", _engine(found))
    builds = dict.fromkeys(check.build for check in (found.tests, found.docs) if check and check.build)
    if build := " && ".join(builds if len(builds) < 2 else (f"({each})" for each in builds)):
        checks = [check for check in (found.tests, found.docs) if check]
        reasons = dict.fromkeys(why for check in checks for why in (check.build_why, check.missing_network) if why)
        meaning = "; ".join(["A shell command, run before each gate", *reasons])
        document.add("build", _table(("run", build, f"{meaning}.")))
    document.add("gates", _gates(found))
    return tomlkit.dumps(document)


def draft_tickets(source: Source) -> str:
    """Return the text of ``tickets.toml``: one table for each ticket."""
    document = tomlkit.document()
    for line in (
        "Work that waits to be merged, as the repository's refs tell it: written by `nox -s init`, yours to change.",
        'A ticket can have: title, labels, milestone, branch, commit, depends ("#12, #34"), authors, reviewers, url.',
    ):
        document.add(tomlkit.comment(line))
    for ref, reason in source.left_out.items():
        document.add(tomlkit.comment(_line(f"Left out: {ref}, as {reason}.")))
    if not source.listed:
        for line in (
            "Nothing was found. What is open on GitHub comes here with",
            "    git fetch origin '+refs/pull/*/head:refs/remotes/origin/pull/*'",
            "and another `nox -s init`, once both files are deleted. By hand a ticket looks like this:",
            "",
            "[[ticket]]",
            "number = 1",
            'title = "What it does"',
            'branch = "name-of-the-branch"',
        ):
            document.add(tomlkit.comment(line))
        return tomlkit.dumps(document)
    tables = AoT([_ticket(ticket) for ticket in source.listed])
    document.add("ticket", tables)
    return tomlkit.dumps(document)


def short_name(name: str) -> str:
    """Turn a name into one that registries accept as part of an image's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "project"


def _project(found: ProjectFacts) -> Table:
    origin = found.origin
    where = "Where git fetches from."
    if origin.why:
        where = _line(f"This clone: {origin.why}." + (f" Its origin is {origin.said}." if origin.said else ""))
    begin = found.beginning
    more: list[tuple[str, object, str]] = []
    if found.tags:
        more.append(("tags", found.tags, "Which tags are releases: other tags read as versions, too."))
    if found.submodules is not None:
        reason = f"No submodule is fetched: {found.submodules}." if found.submodules else "The release has submodules."
        more.append(("submodules", not found.submodules, _line(reason)))
    return _table(
        ("name", short_name(origin.name), ""),
        ("repository", origin.address, where),
        ("release", begin.wanted, f"{begin.why} (today {begin.newest.tag}); or name a tag, or `branch:NAME`."),
        *more,
    )


def _tickets(source: Source) -> Table:
    table = tomlkit.table()
    if source.later:
        kind = source.later.kind
        token = f"With {kind.tokens[0]} set, write" if kind.tokens else "Write"
        _comment(table, _line(f"{_capital(source.why)}: so tickets come from a file. {token} instead:"))
        _comment(table, f"tracker = {tomlkit.item(kind.name).as_string()}")
        _comment(table, f"url = {tomlkit.item(source.later.url).as_string()}")
    else:
        _comment(table, _line(f"{_capital(source.why)}."))
    table.add("tracker", source.tracker)
    table.add("url", source.url)
    if source.target:
        _key(table, "target", source.target, "Any branch: the default branch cannot be fetched; then it can be named.")
    _key(table, "milestone", source.milestone, "`current` follows the release; a milestone's name; or empty for any.")
    _key(
        table, "ready", list(source.ready), "Labels or statuses, one of which a ticket must have; empty: all are ready."
    )
    _key(table, "never", list(source.never), "Labels or statuses that keep a ticket out.")
    _key(table, "priorities", list(source.priorities), "Highest first.")
    return table


def _engine(found: ProjectFacts) -> Table:
    needs = {
        re.split(r"[^\w.-]", each, maxsplit=1)[0].lower(): each
        for check in (found.docs, found.tests)
        if check
        for each in check.needs
    }
    table = tomlkit.table()
    if found.dockerfile:
        recipe, source = found.dockerfile
        _key(table, "kind", "auto", "Docker where a daemon answers, else plain folders of this machine.")
        _key(table, "baseline", f"{short_name(found.origin.name)}:{{release}}", "The release's image…")
        _key(
            table, "recipe", recipe, "…built from this file of the release where it is neither here nor in a registry."
        )
        _key(table, "source", source, "Where the source lies in the image.")
    else:
        _comment(table, "Plain folders of this machine: a ticket's code runs as you do, and sees your files.")
        _comment(table, 'For containers write kind = "docker", baseline = the release\'s image (docs/images.md).')
        table.add("kind", "local")
    if needs:
        packages = [needs[name] for name in sorted(needs)]
        is_dated = as_of(packages, found.released) != tuple(packages)
        _key(
            table,
            "packages",
            list(as_of(packages, found.released)),
            "Python packages for plain folders, installed once: what pyproject.toml, setup.cfg and requirements name, "
            "at the versions of the release's lock files, constraints or requirements where these name one."
            + (f" pytest is as old as the release ({found.released})." if is_dated else ""),
        )
        table["packages"].multiline(True)
        # A branch moves on every day.
        if found.released and not found.beginning.wanted.startswith(BRANCH):
            until = (
                "The day of the release: with uv on the PATH, nothing that was uploaded later is installed. A newer "
            )
            until += "release needs a newer day."
            _key(table, "packages_until", found.released, until)
    return table


def _gates(found: ProjectFacts) -> AoT:
    tests = found.tests or TestCommand(name="tests", run="true", why="no test command was found: WRITE YOURS HERE")
    gates = [_gate(check) for check in (tests, found.docs) if check]
    _comment(gates[-1], 'A printed manual is a gate, too: format = "latex" (docs/latex.md).')
    return AoT(gates)


def _gate(check: TestCommand) -> Table:
    table = tomlkit.table()
    table.add("name", check.name)
    meaning = "{files} and {results} are filled in" if check.files else "a shell command"
    _key(table, "run", check.run, _line(f"{_capital(check.why)}; {meaning}."))
    _key(table, "format", check.format, "junit | sage | tap | go | latex | exit: how its results are read.")
    if check.results:
        _key(table, "results", check.results, "The reports that it writes itself.")
    if check.files:
        _key(table, "files", list(check.files), "What {files} stands for.")
    return table


def _ticket(ticket: Ticket) -> Table:
    return _table(
        ("number", ticket.number, ""),
        ("title", ticket.title, ""),
        ("branch", ticket.branch, ""),
        ("authors", list(ticket.authors), ""),
    )


def _table(*rows: tuple[str, object, str]) -> Table:
    table = tomlkit.table()
    for key, value, meaning in rows:
        _key(table, key, value, meaning)
    return table


def _key(table: Table, key: str, value: object, meaning: str) -> None:
    if meaning:
        _comment(table, meaning)
    table.add(key, tomlkit.item(value))


def _comment(table: Table, text: str) -> None:
    for line in textwrap.wrap(text, 110, break_long_words=False, break_on_hyphens=False):
        table.add(tomlkit.comment(line))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _line(text: str) -> str:
    """Put a text on one line, without the characters that a TOML comment must not contain."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text).split())

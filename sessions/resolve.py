"""``nox -s resolve``: solve a conflict once, in a work tree, and keep how it was solved."""

from __future__ import annotations

import re

from sessions.day.context import Day, open_day
from sessions.day.resolving import READY, Finished, abort_stop, close_finished, finish_stop, open_stop
from sessions.publishing.resolutions import publish_resolutions
from sessions.resolutions.history import learn_from
from sessions.resolutions.memory import ResolutionMemory
from sessions.resolutions.model import Resolution
from sessions.resolutions.rerere_cache import read_rerere_cache
from sessions.resolutions.store import RESOLUTIONS, Shelf, open_shelf
from sessions.settings.resolve_options import ResolveOptions
from sessions.source.access import read_identity
from sessions.source.ranges import fetch_range
from sessions.terminal.console import Console
from sessions.terminal.errors import UsageError
from sessions.terminal.phrases import counted
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import name_tickets

_AUTHOR = re.compile(r"[^<>\n\0]+ <[^<>\n\0]*>")


def resolve(options: ResolveOptions, console: Console) -> None:
    """Open a work tree for a ticket's conflict, record what was resolved in it, or tend what is kept.

    Raises :class:`UsageError` if there is nothing to do, :class:`SourceError` if git or a push fails.
    """
    with open_day(options.day, console) as day:
        shelf = open_shelf(day.mirror)
        if options.is_continued:
            _record(day, shelf, options)
        elif options.is_aborted:
            stop = abort_stop(day, options.ticket)
            console.good(f"The work tree of {stop.ticket.name} is deleted; nothing was recorded.")
        elif options.imported:
            _import(day, shelf, options)
        elif options.range:
            _learn(day, shelf, options, options.range)
        elif options.forgotten:
            _forget(day, shelf, options)
        elif options.ticket:
            _open(day, shelf, options.ticket)
            return
        elif not options.is_listed and not options.day.publish:
            raise UsageError("Name the ticket whose conflict to resolve: nox -s resolve -- 123.")
        if options.is_listed:
            _list(shelf, console)
        publish_resolutions(day.mirror, RESOLUTIONS, READY, options.day, console)


def _open(day: Day, shelf: Shelf, number: int) -> None:
    console = day.console
    opened = open_stop(day, ResolutionMemory(repository=shelf.repository, resolutions=shelf.resolutions), number)
    stop = opened.stop
    console.step(
        f"{name_ticket(number)} {stop.ticket.title} onto {day.release.tag} and {counted(stop.before, 'ticket')}"
    )
    console.detail(stop.reason)
    for side, parties in (("ticket-" + str(number), [stop.ticket]), ("HEAD", stop.others)):
        for party in parties:
            console.detail(f"{side}: {party.name} {party.title} {party.url}".rstrip())
    if not stop.others:
        console.detail(f"HEAD: {day.start}")
    for path in opened.paths:
        console.detail(f"resolve {opened.folder / path}")
    if not opened.paths:
        console.detail(f"git merges all files: change what breaks in {opened.folder}")
    console.good("Then type `nox -s resolve -- --continue`, or `nox -s resolve -- --abort`.")


def _record(day: Day, shelf: Shelf, options: ResolveOptions) -> None:
    finished = finish_stop(day, options.ticket, _author(options, day))
    stop = finished.stop
    shelf = _keep(day, shelf, finished.resolutions, options, f"Resolve the conflict of {stop.ticket.name}")
    _say_kept(finished, day.console)
    memory = ResolutionMemory(repository=shelf.repository, resolutions=shelf.resolutions)
    ready = close_finished(day, finished, memory)
    if ready is None:
        day.console.detail("no merge commit for its author: the conflict is another one without the rest of the line")
    else:
        where = day.mirror.url if options.day.publish else day.mirror.repository.path
        day.console.detail(f"for the author of {stop.ticket.name}: git fetch {where} {ready} && git merge FETCH_HEAD")
    day.console.good(f"The conflict of {stop.ticket.name} is resolved: type `nox -s integrate`.")


def _say_kept(finished: Finished, console: Console) -> None:
    for each in finished.resolutions:
        where = each.about.path or ", ".join(sorted({path.partition("/")[2] for path in each.parts}))
        console.detail(f"kept as {each.id}: {each.kind} in {where}, for {name_tickets(each.about.tickets)}")
    if finished.whole:
        console.detail(
            f"only for exactly these versions, as it cannot be told from the rest of the file: "
            f"{', '.join(finished.whole)}"
        )


def _import(day: Day, shelf: Shelf, options: ResolveOptions) -> None:
    folder = options.imported
    assert folder is not None  # noqa: S101  the caller has looked
    try:
        found = read_rerere_cache(folder, _author(options, day))
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}.") from None
    if not found.resolutions:
        raise UsageError(f"{folder} has no resolved conflict: name git's rr-cache, mostly .git/rr-cache.")
    _keep(day, shelf, found.resolutions, options, f"Import {len(found.resolutions)} resolutions of git rerere")
    for key in found.unclear:
        day.console.detail(f"not taken over, as lines outside of the conflict were changed, too: {key}")
    day.console.good(f"{counted(len(found.resolutions), 'resolution')} taken over from {folder}.")


def _learn(day: Day, shelf: Shelf, options: ResolveOptions, range_: str) -> None:
    past = learn_from(day.mirror.repository, fetch_range(day.mirror, range_))
    if past.resolutions:
        _keep(day, shelf, past.resolutions, options, f"Learn from the merges of {range_}")
    if past.elsewhere:
        day.console.detail(f"{past.elsewhere} of them also change what git had merged: that is not learnt")
    day.console.good(
        f"{counted(past.merges, 'merge')}, {past.conflicts} of them with conflicts: "
        f"{counted(len(past.resolutions), 'resolution')} learnt."
    )


def _forget(day: Day, shelf: Shelf, options: ResolveOptions) -> None:
    names = [name for name, each in shelf.resolutions.items() if each.id in options.forgotten]
    if unknown := set(options.forgotten) - {shelf.resolutions[name].id for name in names}:
        raise UsageError(f"There is no resolution {min(unknown)}: type `nox -s resolve -- --list`.")
    shelf.keep((), _author(options, day), f"Forget {', '.join(options.forgotten)}", without=names)
    day.console.good(f"{counted(len(names), 'resolution')} removed.")


def _list(shelf: Shelf, console: Console) -> None:
    for each in sorted(shelf.resolutions.values(), key=lambda each: (each.about.date, each.name)):
        about = each.about
        tickets = f", for {name_tickets(about.tickets)}" if about.tickets else ""
        console.detail(f"{each.id} {each.kind} {about.path}{tickets}: {about.author}, {about.date} ({about.origin})")
    console.good(f"Kept: {counted(len(shelf.resolutions), 'resolution')}.")


def _keep(day: Day, shelf: Shelf, new: tuple[Resolution, ...], options: ResolveOptions, message: str) -> Shelf:
    return shelf.keep(new, _author(options, day), f"{message}\n")


def _author(options: ResolveOptions, day: Day) -> str:
    """Return who resolves: ``--author``, or who works here as git knows it, or the committer of the merges."""
    author = options.author or read_identity() or day.config.project.committer
    if not _AUTHOR.fullmatch(author):
        raise UsageError(f"{author!r} is no author: write `Name <address>`.")
    return author

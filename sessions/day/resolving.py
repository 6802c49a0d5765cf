"""The work tree of a stop: opened for people, and read when they have resolved what is in it."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sessions.day.context import Day
from sessions.day.stops import Stop, find_stop, forget_stop, load_stop, save_stop
from sessions.resolutions.fix_ups import make_fix_up
from sessions.resolutions.memory import ResolutionMemory
from sessions.resolutions.model import About, Resolution
from sessions.resolutions.ready_merge import make_ready_merge
from sessions.resolutions.recording import Lesson, learn
from sessions.resolutions.work_tree import WorkTree
from sessions.source.merge_commit import sign
from sessions.source.merge_tree import MergeTree
from sessions.source.unmerged import Unmerged
from sessions.terminal.errors import UsageError

READY = "refs/integrand/resolved/"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A work tree that waits for somebody: where it is, and which files are in conflict there."""

    stop: Stop
    folder: Path
    paths: tuple[str, ...]


def open_stop(day: Day, memory: ResolutionMemory, number: int) -> Opened:
    """Open a work tree where ticket ``number`` stopped; conflicts that ``memory`` decides are resolved there.

    Raises :class:`UsageError` as :func:`~sessions.day.stops.find_stop` does.
    """
    stop = find_stop(day, number)
    unmerged, _ = _merge(day, stop)
    found = {path: memory.decide(unmerged, path) for path in unmerged.stages} if unmerged else {}
    known = {path: decided.entry for path, decided in found.items() if decided}
    tree = _work_tree(day, stop)
    paths = tree.open(stop.onto, stop.ticket.commit, known)
    save_stop(_folder(day), stop)
    return Opened(stop=stop, folder=tree.folder, paths=paths)


def abort_stop(day: Day, number: int | None) -> Stop:
    """Delete the work tree of a ticket. Raises :class:`UsageError` if it is not open."""
    stop = load_stop(_folder(day), number)
    _close(day, stop)
    return stop


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What somebody has resolved: the ticket's ``stop``, the resolutions, and files that are kept as a whole only."""

    stop: Stop
    resolutions: tuple[Resolution, ...]
    whole: tuple[str, ...]


def finish_stop(day: Day, number: int | None, author: str) -> Finished:
    """Read what was resolved in a work tree. ``author`` is who did, as ``Name <address>``.

    Raises :class:`UsageError` if a file still has conflict markers, if nothing was changed, or if files beside the
    conflict were changed and no other ticket takes part in it.
    """
    stop = load_stop(_folder(day), number)
    tree = _work_tree(day, stop).finish()
    unmerged, merged = _merge(day, stop)
    parties = (stop.ticket, *stop.others)
    about = About(
        author=author,
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        origin="by hand",
        tickets=tuple(each.number for each in parties),
    )
    repository = day.mirror.repository
    lesson = learn(repository, unmerged, tree, about) if unmerged else Lesson(resolutions=(), tree=merged, whole=())
    resolutions = lesson.resolutions
    if lesson.tree != tree:
        if not stop.others:
            raise UsageError(
                f"{stop.ticket.name} conflicts with no other ticket, so that only the files in conflict "
                "can be kept: undo the changes of all other files."
            )
        commits = {each.number: each.commit for each in parties}
        about = About(author=about.author, date=about.date, origin="by hand", tickets=about.tickets, commits=commits)
        fix_up = make_fix_up(repository, lesson.tree, tree, about)
        resolutions += (fix_up,) if fix_up else ()
    if not resolutions:
        raise UsageError(f"Nothing was changed in {_work_tree(day, stop).folder}: there is nothing to keep.")
    return Finished(stop=stop, resolutions=resolutions, whole=lesson.whole)


def close_finished(day: Day, finished: Finished, memory: ResolutionMemory) -> str | None:
    """Delete the work tree, and return the ref of a merge commit for the ticket's author; ``None`` if none can be made.

    ``memory`` holds the new resolutions.
    """
    stop = finished.stop
    _close(day, stop)
    signature = sign(finished.resolutions[0].about.author, day.options.date)
    others = [(each.commit, each.number) for each in stop.others]
    commit = make_ready_merge(
        memory, (stop.ticket.commit, stop.ticket.number), others or [(day.base.commit, 0)], signature
    )
    if commit is None:
        return None
    day.mirror.repository.keep(f"resolved/{stop.ticket.file_name}", commit)
    return f"{READY}{stop.ticket.file_name}"


def _merge(day: Day, stop: Stop) -> tuple[Unmerged | None, str]:
    """Make the merge of a stop again: its conflicts, and its tree if there are none."""
    repository = day.mirror.repository
    tree = repository.git("rev-parse", "--verify", f"{stop.onto}^{{tree}}").text
    with closing(MergeTree(repository)) as git:
        merge = git.merge(stop.onto, stop.ticket.commit, tree)
        return git.unmerged(merge, stop.onto, stop.ticket.commit, tree), merge.tree


def _close(day: Day, stop: Stop) -> None:
    _work_tree(day, stop).remove()
    forget_stop(_folder(day), stop)


def _work_tree(day: Day, stop: Stop) -> WorkTree:
    number = stop.ticket.number
    return WorkTree(repository=day.mirror.repository, folder=_folder(day) / str(number), ticket=number)


def _folder(day: Day) -> Path:
    return day.home / "resolve"

"""``nox -s radar``: find conflicts between all open tickets, and the merge order with the fewest conflicts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sessions.day.context import Day, open_day
from sessions.day.let_in import LetIn, compare_lines, find_broken, merge_first
from sessions.day.line_selection import LineSelection
from sessions.day.opened_runner import open_runner
from sessions.day.todays_queue import TodaysTickets, read_tickets, todays_queue
from sessions.planning.cheapest_order import Order, cheapest_order
from sessions.planning.pair_conflicts import Meeting, PairConflicts, find_pair_conflicts
from sessions.reporting.html import render_page
from sessions.settings.options import Options
from sessions.source.line import Queue, merge_line, start_line
from sessions.source.merging import Merger
from sessions.source.releases import Release
from sessions.terminal.console import Console
from sessions.terminal.ticket_numbers import name_ticket, plain_number, plain_numbers
from sessions.tickets.model import Ticket, Verdict, name_tickets

# How many conflicts the terminal shows.
_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class _View:
    """The data of a radar: the open tickets by number, the commit that they are merged onto, and the results."""

    tickets: Mapping[int, Ticket]
    base: Release
    ready: frozenset[int]
    found: PairConflicts
    order: Order
    tests: Mapping[int, LetIn]


def radar(options: Options, console: Console) -> tuple[Mapping[str, Any], str]:
    """Merge all open tickets in pairs; return the record, and an empty error message."""
    with open_day(options, console) as day:
        today = read_tickets(day)
        tickets, queue = today.tickets, todays_queue(day, today)
        base = _base(day, today.rules.target)
        console.step(f"Radar: {len(tickets)} open tickets onto {base.tag} ({base.commit[:10]})")
        pinned = _pinned(day, tickets, queue)
        merger = Merger(day.mirror.repository, base, options.date, day.config.project.committer)
        try:
            found = find_pair_conflicts(list(pinned.values()), merger)
        finally:
            merger.close()
        order = cheapest_order(found.fit, found.conflicts, queue.needs)
        tests = _tests(day, today, queue, pinned)
        ready = frozenset(ticket.number for ticket in queue.tickets)
        view = _View(tickets=pinned, base=base, ready=ready, found=found, order=order, tests=tests)
        record = _record(view)
        folder = day.home / "radar"
        folder.mkdir(exist_ok=True)
        (folder / "radar.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
        page = render_page("radar.html.jinja", project=day.config.project.name, date=str(options.date), radar=record)
        (folder / "radar.html").write_text(page, encoding="utf-8")
    _show(view, console)
    console.detail(f"written to {folder / 'radar.html'}, and as radar.json")
    return record, ""


def _base(day: Day, target: str | None) -> Release:
    """Return the commit to merge onto: the tip of the tickets' target branch, or the release if it is requested."""
    if day.options.release or not target:
        return day.release
    return day.mirror.at(day.mirror.target(target), Release(tag=target, version=None))


def _pinned(day: Day, tickets: Sequence[Ticket], queue: Queue) -> dict[int, Ticket]:
    """Fetch all open tickets, ready or not; return those that were fetched, pinned to the tips of their branches."""
    unsound = {number for number, each in queue.out.items() if each.verdict is Verdict.UNFETCHABLE}
    branches = {each.number: each.branch for each in tickets if each.branch and each.number not in unsound}
    elsewhere = {each.number: each.repository for each in tickets if each.repository}
    tips = day.mirror.fetch_branches(branches, elsewhere).tips
    return {each.number: replace(each, commit=tips[each.number]) for each in tickets if each.number in tips}


def _tests(day: Day, today: TodaysTickets, queue: Queue, pinned: Mapping[int, Ticket]) -> dict[int, LetIn]:
    """Return what would happen for each ticket of ``--test`` if it were merged first; with ``--gates`` what it breaks.

    Raises :class:`UsageError` for a ticket that has no branch, and what gates raise.
    """
    if not day.options.test:
        return {}
    queue = start_line(queue, day.merger)
    usual = merge_line(queue, day.merger, {})
    queues = {number: merge_first(number, queue, pinned) for number in day.options.test}
    found = {number: compare_lines(usual, each, day.merger) for number, each in queues.items()}
    if day.options.gates:
        with open_runner(day) as runner:
            for number, each in queues.items():
                lines = LineSelection(day=day, queue=each, hints=today.hints)
                found[number] = replace(found[number], broken=find_broken(number, lines, runner))
    return found


def _record(view: _View) -> dict[str, Any]:
    found, order = view.found, view.order
    return {
        "version": 1,
        "base": {"name": view.base.tag, "commit": view.base.commit},
        "tickets": [
            {
                "number": plain_number(number),
                "title": ticket.title,
                "url": ticket.url,
                "authors": list(ticket.authors),
                "commit": ticket.commit,
                "ready": number in view.ready,
                "conflicts_with_base": [place.path for place in found.unfit.get(number, ())],
                "conflicts": plain_numbers(
                    sorted(other for pair in found.conflicts if number in pair for other in {*pair} - {number})
                ),
            }
            for number, ticket in view.tickets.items()
        ],
        "conflicts": [
            {"tickets": plain_numbers(pair), "places": [_record_meeting(each) for each in meetings]}
            for pair, meetings in found.conflicts.items()
        ],
        "order": plain_numbers(order.numbers),
        "mending": plain_numbers(order.mending),
        "is_best": order.is_best,
        "pairs_merged": found.merged,
        "tests": {str(number): test.record() for number, test in view.tests.items()},
    }


def _record_meeting(meeting: Meeting) -> dict[str, Any]:
    place = meeting.place
    return {"path": place.path, "lines": place.lines, "kind": place.kind, "sections": list(meeting.sections)}


def _show(view: _View, console: Console) -> None:
    found, order = view.found, view.order
    for number, places in found.unfit.items():
        paths = ", ".join(place.path for place in places[:3]) or "its whole history"
        console.detail(f"{_name(view, number)} conflicts with {view.base.tag} in {paths}")
    for (first, second), meetings in list(found.conflicts.items())[:_SHOWN]:
        where = "; ".join(
            f"{each.place.path}{f':{each.place.lines}' if each.place.lines else ''}"
            f"{f' ({each.sections[0]})' if each.sections else ''}"
            for each in meetings[:3]
        )
        console.detail(f"{_name(view, first)} conflicts with {_name(view, second)} in {where}")
    if len(found.conflicts) > _SHOWN:
        console.detail(f"{len(found.conflicts) - _SHOWN} more pairs are in the page and in the JSON")
    best = "no order has fewer" if order.is_best else "as far as could be found"
    mending = (
        f"{name_tickets(order.mending)} must be merged again by their authors"
        if order.mending
        else "no ticket conflicts"
    )
    console.detail(f"cheapest order: {', '.join(map(name_ticket, order.numbers))}; {mending} ({best})")
    for number, test in view.tests.items():
        console.detail(
            f"with {name_ticket(number)}, {name_tickets(test.entered)} come in and {name_tickets(test.left)} leave"
        )
        for each in test.broken or ():
            console.bad(str(each))
        if test.broken == ():
            console.detail(f"with {name_ticket(number)}, no gate finds anything that it breaks")
    console.good(f"{len(found.conflicts)} pairs of {len(found.fit)} tickets conflict; {found.merged} were merged.")


def _name(view: _View, number: int) -> str:
    authors = view.tickets[number].authors
    ready = "" if number in view.ready else ", not ready"
    return f"{name_ticket(number)} ({', '.join(authors) or 'author unknown'}{ready})"

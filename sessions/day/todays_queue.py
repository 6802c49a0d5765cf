"""Read the day's tickets and its hints, and build the merge queue: the same in all sessions that need it."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.day.backported import backport
from sessions.day.context import Day
from sessions.day.hinted import DayHints
from sessions.day.merge_queue import build_queue
from sessions.day.ticket_selection import select_tickets, todays_rules
from sessions.day.ticket_source import open_trackers
from sessions.settings.hints import HINTS, check_current
from sessions.source.line import Queue
from sessions.tickets.eligibility import Rules
from sessions.tickets.model import Ticket


@dataclass(frozen=True, kw_only=True)
class TodaysTickets:
    """The day's tickets (with ``--only`` a part of those that are open), its hints, and what a ready ticket has."""

    tickets: tuple[Ticket, ...]
    hints: DayHints
    rules: Rules


def read_tickets(day: Day) -> TodaysTickets:
    """Read the tickets, and the hints of the file beside the configuration and of labels.

    Raises :class:`TrackerError` where they cannot be read, :class:`UsageError` for a hint past its end.
    """
    trackers, hints = open_trackers(day), DayHints.beside(day.options.config)
    found = trackers.read()
    still_open = {ticket.number for ticket in found}
    still_open |= trackers.open_issues({hint.closed for hint in hints.hints if hint.closed} - still_open)
    check_current(hints.hints, day.options.config.with_name(HINTS), day.options.date, still_open)
    tickets = select_tickets(found, day.options)
    rules = todays_rules(day.config, day.release, tickets, day.mirror.refs.default_branch)
    return TodaysTickets(tickets=tickets, hints=hints.with_labels(tickets, day.config.hints), rules=rules)


def todays_queue(day: Day, today: TodaysTickets) -> Queue:
    """Return the merge queue of the day. Fetches the branches of all tickets; raises as :func:`build_queue`."""
    ours = backport(day, today.tickets, today.rules)
    settings = (day.mirror, day.release, day.config, day.options, today.hints)
    return build_queue(ours.tickets, today.rules, *settings, decisions=ours.decisions)

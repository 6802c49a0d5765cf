"""Resolve dependencies across trackers, which tickets name by their addresses. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sessions.terminal.ticket_numbers import add_prefix
from sessions.tickets.model import Ticket

# What stands between a project's address and the number of a ticket, on GitHub, GitLab, Gitea, Gerrit and Trac.
_PLACE = r"(?:/-)?/(?:(?:pulls?|issues|merge_requests|ticket|\+)/)?"
_END = re.compile(rf"{_PLACE}\d{{1,9}}/?$")
# Where the address of a REST interface is not that of the pages.
_INTERFACE = re.compile(r"(?<=\w)(?:/api/v[13])?/repos/")
_NUMBER = re.compile(rf"{_PLACE}(\d{{1,9}})(?!\w)")


@dataclass(frozen=True, kw_only=True)
class ReadTracker:
    """A tracker's prefix and address, and all of its open tickets."""

    prefix: str
    url: str
    tickets: tuple[Ticket, ...]

    @property
    def bases(self) -> frozenset[str]:
        """The addresses below which its tickets are."""
        page = _INTERFACE.sub("/", self.url.replace("//api.github.com/", "//github.com/"))
        return frozenset({page.rstrip("/").lower(), *(_END.sub("", each.url.lower()) for each in self.tickets)})

    def find(self, link: str) -> int | None:
        """Return the number of the ticket at an address, open or not; ``None`` if that is not in this tracker."""
        for ticket in self.tickets:
            if ticket.url and _plain(ticket.url) == _plain(link):
                return ticket.number
        for base in filter(_is_web, self.bases):
            if link.lower().startswith(base) and (found := _NUMBER.match(link, len(base))):
                return add_prefix(self.prefix, int(found[1]))
        return None


def resolve_links(trackers: Sequence[ReadTracker]) -> tuple[Ticket, ...]:
    """Return the tickets of all trackers, each depending also on those of other trackers that it links to.

    A link to no known tracker is ignored, as it is with one tracker.
    """
    return tuple(_resolved(ticket, trackers) for tracker in trackers for ticket in tracker.tickets)


def _resolved(ticket: Ticket, trackers: Sequence[ReadTracker]) -> Ticket:
    found = frozenset(_numbers(ticket.links, trackers)) - {ticket.number, *ticket.depends}
    return replace(ticket, depends=(*ticket.depends, *sorted(found))) if found else ticket


def _numbers(links: Sequence[str], trackers: Sequence[ReadTracker]) -> Iterator[int]:
    for link in links:
        numbers = (tracker.find(link) for tracker in trackers)
        yield from (number for number in numbers if number is not None)


def _plain(url: str) -> str:
    return url.rstrip("/").lower()


def _is_web(base: str) -> bool:
    return base.startswith(("https://", "http://"))

from __future__ import annotations

import pytest

from sessions.terminal.ticket_numbers import add_prefix
from sessions.tickets.links import ReadTracker, resolve_links
from sessions.tickets.model import Ticket

GITHUB = ReadTracker(
    prefix="gh#",
    url="https://api.github.com/repos/o/r",
    tickets=(Ticket(number=add_prefix("gh#", 7), title="T", url="https://github.com/o/r/pull/7"),),
)


def resolve(*links: str, github: ReadTracker = GITHUB) -> tuple[str, ...]:
    """What a ticket depends on that is in another tracker, and already depends on one of its own."""
    number, own = add_prefix("gl!", 1), add_prefix("gl!", 2)
    ticket = Ticket(number=number, title="T", depends=(own,), links=links)
    gitlab = ReadTracker(prefix="gl!", url="https://gitlab.com/own/p", tickets=(ticket,))
    [found, *_] = resolve_links([gitlab, github])
    assert found.depends[0] == own
    return tuple(map(str, found.depends[1:]))


@pytest.mark.parametrize(
    ("link", "number"),
    [
        ("https://github.com/o/r/pull/7", "gh#7"),
        ("https://github.com/O/R/pull/7/files", "gh#7"),
        ("https://github.com/o/r/issues/7#issuecomment-1", "gh#7"),
        ("https://github.com/o/r/pull/8", "gh#8"),  # not open: so the ticket waits for it
    ],
)
def test_a_link_is_the_ticket_of_another_tracker(link: str, number: str) -> None:
    assert resolve(link) == (number,)
    assert resolve(link, link) == (number,)
    nothing_open = ReadTracker(prefix="gh#", url=GITHUB.url, tickets=())
    assert resolve(link, github=nothing_open) == (number,)


@pytest.mark.parametrize(
    "link",
    [
        "https://github.com/o/rest/pull/7",
        "https://github.com/o/r/tree/main",
        "https://github.com/o/r/pull/7x",
        "https://gitlab.com/own/p/-/merge_requests/1",  # itself
        "https://gitlab.com/own/p/-/merge_requests/2",  # known already
        "https://example.org/7",
    ],
)
def test_other_links_change_nothing(link: str) -> None:
    assert resolve(link) == ()


@pytest.mark.parametrize(
    ("base", "link"),
    [
        ("https://gitlab.com/g/p", "https://gitlab.com/g/p/-/merge_requests/9"),
        ("https://codeberg.org/o/r", "https://codeberg.org/o/r/pulls/9"),
        ("https://git.example.org/api/v1/repos/o/r", "https://git.example.org/o/r/pulls/9"),
        ("https://ghe.example.org/api/v3/repos/o/r", "https://ghe.example.org/o/r/pull/9"),
        ("https://review.example.org/p", "https://review.example.org/c/p/+/9"),
        ("https://trac.example.org", "https://trac.example.org/ticket/9"),
    ],
)
def test_each_trackers_addresses(base: str, link: str) -> None:
    page = link.replace("/9", "/5")
    tracker = ReadTracker(prefix="x#", url=base, tickets=(Ticket(number=add_prefix("x#", 5), title="T", url=page),))
    assert resolve(link, github=tracker) == ("x#9",)


def test_a_file_is_no_address() -> None:
    tracker = ReadTracker(
        prefix="f#", url="/srv/tickets.toml", tickets=(Ticket(number=add_prefix("f#", 5), title="T"),)
    )
    assert resolve("/srv/tickets.toml/5", "https:///5", github=tracker) == ()

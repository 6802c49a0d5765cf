"""``[tickets]`` or ``[[tickets]]``: where tickets come from, and which of them are ready."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from sessions.settings.keys import key
from sessions.terminal.ticket_numbers import PREFIX

# The package that ``select = "best"`` needs. Its version 1.16 prints a line on standard output, where ``--json``
# prints the record.
HIGHS = "highspy>=1.12,<1.16"


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """``[tickets]``, or one of several ``[[tickets]]``: a tracker, and which of its tickets are ready.

    ``tracker`` is a name in :data:`sessions.tickets.trackers.TRACKERS`, which checks it when the file is loaded.
    """

    tracker: str = key("Kind of tracker.", "file")
    url: str = key("The tracker: a TOML file; `sample:` is the bundled sample's.")
    prefix: str = key("What its tickets' numbers begin with, such as `gl!`; several trackers have one each.", "")
    token: str = key("Environment variable with the token, instead of the tracker's usual one.", "")
    repository: str = key("Repository with the tickets' branches, if that is not the project's.", "")
    milestone: str = key("`current` (from the release), a milestone's name, or empty for any.", "current")
    target: str = key("The branch that tickets are for (empty: the default branch), or `*` for any.", "")
    ready: tuple[str, ...] = key("Labels or statuses, one of which a ticket must have.", ())
    never: tuple[str, ...] = key("Labels or statuses that keep a ticket out.", ())
    priorities: tuple[str, ...] = key("Labels that give a ticket's priority, highest first.", ())
    require_checks: tuple[str, ...] = key("Checks that must have passed on a pull request's head.", ())
    approvals: int = key("How many people must have approved a ticket, where the tracker tells who did.", 0)
    at_fault: str = key("Label or workflow action for a ticket that is at fault; empty: labels stay.", "")
    flake_label: str = key(
        "Label of the issues that `report -- --publish` opens, one for each flaky test; empty: none. See flakes.md.", ""
    )
    fixes: tuple[str, ...] = key("Labels of tickets that mend the release: the baseline is measured with them.", ())
    order: Literal["number", "listed"] = key("Who comes first of equals: lower number, or listed first.", "number")
    select: Literal["first", "best"] = key(
        "`first`: each ticket that merges with those before it; `best`: the set with most tickets of high priority.",
        "first",
    )


def with_prefixes(trackers: Sequence[Tracker], usual: Mapping[str, str]) -> tuple[Tracker, ...]:
    """Return trackers with the ``usual`` prefixes of their kinds, where there are several and no other was chosen."""
    if len(trackers) < 2:
        return tuple(trackers)
    return tuple(replace(each, prefix=each.prefix or usual[each.tracker]) for each in trackers)


def tracker_faults(
    trackers: Sequence[Tracker], tokens: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[int, str, str]]:
    """Yield what is wrong with tables of trackers: the table's place, the key, and why.

    ``tokens`` are the environment variables from which each kind takes its token.
    """
    if not trackers:
        yield 0, "tracker", "at least one tracker is needed"
    for place, each in enumerate(trackers):
        if is_broken_address(each.url):
            yield place, "url", f"{each.url!r} is no address"
            return
        if each.prefix and not PREFIX.fullmatch(each.prefix):
            yield place, "prefix", f"{each.prefix!r} must be one to four small letters and ! or #, such as gl!"
        if each.token and not tokens[each.tracker]:
            yield place, "token", f"the {each.tracker} tracker takes none: remove this key"
        if place and (each.order, each.select) not in {("number", "first"), (trackers[0].order, trackers[0].select)}:
            yield place, "select", "order and select are for all trackers: write them into the first table"
        for before in trackers[:place]:
            yield from ((place, key, why) for key, why in _clashes(before, each, tokens))


def is_broken_address(text: str) -> bool:
    """Whether a text looks like an address that none of the parsers reads, such as ``https://[::1``."""
    try:
        urlsplit(text)
    except ValueError:
        return True
    return False


def _clashes(one: Tracker, other: Tracker, tokens: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    if one.prefix[:-1] == other.prefix[:-1]:
        yield "prefix", f"two trackers have {one.prefix!r}: give one of them a prefix with other letters"
    if (one.tracker, one.url) == (other.tracker, other.url):
        yield "url", "two tables name the same tracker"
    # A token is a secret of one server: the usual variable would send it to both.
    shared = not (one.token or other.token) and not {*tokens[one.tracker]}.isdisjoint(tokens[other.tracker])
    if shared and urlsplit(one.url).netloc != urlsplit(other.url).netloc:
        variable = tokens[one.tracker][0]
        yield "token", f"{variable} would be sent to two servers: name the variable with this server's token here"

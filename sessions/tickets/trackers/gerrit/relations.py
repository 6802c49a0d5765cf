"""What changes on Gerrit depend on: relation chains, ``Depends-On`` and topics. Pure.

A change's parent can be the patch set of another open change: that is Gerrit's relation chain. ``Depends-On`` in a
commit message is Zuul's notation, https://zuul-ci.org/docs/zuul/latest/gating.html#cross-project-dependencies.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from sessions.tickets.model import Ticket
from sessions.tickets.trackers.gerrit.changes import ChangeInfo

_FOOTER = re.compile(r"^Depends-On:[ \t]*(\S+)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_CHANGE_ID = re.compile(r"I[0-9a-f]{40}")
# https://HOST/c/PROJECT/+/7, with a patch set or a file behind it; before Gerrit 2.15 https://HOST/#/c/7/ and /7.
_NUMBER = re.compile(r"/\+/(\d{1,9})(?:/|$)|(?:#/c)?/(\d{1,9})(?:/\d+)?/?$")


@dataclass(frozen=True, kw_only=True)
class ChangeRelations:
    """The open changes that were read, and what is known of ``others`` that they depend on, by :func:`named_in`.

    ``is_topic_whole``: the server submits all changes of a topic at once.
    """

    changes: Mapping[int, ChangeInfo]
    base: str
    is_topic_whole: bool = False
    others: Mapping[str, ChangeInfo] | None = None

    def unknown(self) -> tuple[str, ...]:
        """The names in ``Depends-On`` that no open change has: change numbers and change ids."""
        names = (name for change in self.changes.values() for name in named_in(change, self.base))
        return tuple(dict.fromkeys(name for name in names if not self._find(name)))

    def relate(self, ticket: Ticket) -> Ticket:
        """Return the ticket with what it depends on and belongs together with, and held where that cannot be merged."""
        change = self.changes[ticket.number]
        parents = [self._patch_sets[each] for each in _parents(change) if each in self._patch_sets]
        depends = [number for number, _ in parents]
        reasons = [self._outdated(number, patch_set) for number, patch_set in parents]
        for name in named_in(change, self.base):
            depends += self._find(name, change["branch"])
            reasons += [] if self._find(name) else [self._not_open(name)]
        return replace(
            ticket,
            depends=tuple(sorted(set(depends) - {ticket.number})),
            together=self._topic_of(change),
            links=_links(change, self.base),
            held=ticket.held or next(filter(None, reasons), ""),
        )

    @property
    def _patch_sets(self) -> dict[str, tuple[int, int]]:
        """The change and the number of each patch set, by commit."""
        return {
            commit: (number, revision["_number"])
            for number, change in self.changes.items()
            for commit, revision in change["revisions"].items()
        }

    def _outdated(self, number: int, patch_set: int) -> str:
        """Why a change cannot be merged that is based on a patch set; nothing where that is the current one."""
        change = self.changes[number]
        current = change["revisions"][change["current_revision"]]["_number"]
        if patch_set == current:
            return ""
        return f"it is based on patch set {patch_set} of #{number}, which is at {current}: it must be rebased"

    def _find(self, name: str, branch: str = "") -> list[int]:
        """The open changes of a name: a change id can be on several branches, of which ``branch`` comes first."""
        if name.isdecimal():
            return [int(name)] if int(name) in self.changes else []
        found = [number for number, change in self.changes.items() if change["change_id"] == name]
        return [number for number in found if self.changes[number]["branch"] == branch] or found

    def _not_open(self, name: str) -> str:
        """Why a dependency on a change that is not among these keeps a ticket out; nothing where it is merged."""
        other = (self.others or {}).get(name)
        if other is None:
            return f"it depends on {name}, which Gerrit does not show"
        if other["status"] == "MERGED":
            return ""
        is_abandoned = other["status"] == "ABANDONED"
        where = "was abandoned" if is_abandoned else f"is open in {other['project']}, branch {other['branch']}"
        return f"it depends on {name}, which {where}"

    def _topic_of(self, change: ChangeInfo) -> tuple[int, ...]:
        topic = change.get("topic")
        if not (self.is_topic_whole and topic):
            return ()
        return tuple(sorted(n for n, each in self.changes.items() if each.get("topic") == topic and each is not change))


def named_in(change: ChangeInfo, base: str) -> tuple[str, ...]:
    """The changes of this server that a commit message depends on, by number or change id."""
    names = (_name(word, base) for word in _footers(change))
    own = {str(change["_number"]), change["change_id"]}
    return tuple(dict.fromkeys(name for name in names if name and name not in own))


def _footers(change: ChangeInfo) -> list[str]:
    message = change["revisions"][change["current_revision"]]["commit"]["message"]
    return _FOOTER.findall(message.replace("\r\n", "\n"))


def _links(change: ChangeInfo, base: str) -> tuple[str, ...]:
    """The addresses on other servers that a commit message depends on."""
    return tuple(word for word in _footers(change) if "://" in word and not _is_on(base, word))


def _is_on(base: str, word: str) -> bool:
    return urlsplit(word).netloc == urlsplit(base).netloc


def _name(word: str, base: str) -> str:
    if _CHANGE_ID.fullmatch(word):
        return word
    found = _NUMBER.search(word) if "://" in word and _is_on(base, word) else None
    return (found[1] or found[2]) if found else ""


def _parents(change: ChangeInfo) -> Iterable[str]:
    return (parent["commit"] for parent in change["revisions"][change["current_revision"]]["commit"]["parents"])

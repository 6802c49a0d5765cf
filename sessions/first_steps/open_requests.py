"""Find open requests among the refs of a repository, if no tracker can be read.

GitHub keeps ``refs/pull/N/head`` of every pull request for ever, and ``refs/pull/N/merge`` of those that are open and
merge cleanly; GitLab has the same under ``refs/merge-requests``. Squash-merged requests are recognised by the number in
the subjects of the default branch (``… (#12)``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from sessions.first_steps.readable_refs import fetch_readable
from sessions.source.mirror import Mirror
from sessions.source.releases import Release
from sessions.terminal.errors import SourceError
from sessions.terminal.harmless_text import harmless_line
from sessions.tickets.model import Ticket
from sessions.tickets.trackers import merge_subjects

MOST = 200  # the newest are taken; a project with more open requests has a tracker that can be read
YOUNG = 366 * 86400  # seconds; older requests are taken as abandoned
_REQUEST = re.compile(r"refs/(?:remotes/origin/)?(?:pull|pr|merge-requests|mr)/(\d+)(/head|/merge)?")
_BRANCH = re.compile(r"refs/(?:heads|remotes/origin)/(.+)")
_NO_WORK = re.compile(r"HEAD|main|master|trunk|develop|gh-pages|stable|v?\d+(\.\d+|\.x)*|.*\+integration-.*|.*/HEAD")
_TRUNK = "refs/integrand/trunk"


@dataclass(frozen=True, kw_only=True)
class _Tip:
    commit: str
    when: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The open requests as ``tickets``, and why other refs were left out, by the ref's full name."""

    tickets: tuple[Ticket, ...]
    left_out: Mapping[str, str]


def waiting_requests(mirror: Mirror, release: Release) -> Waiting:
    """Return a ticket for each request that seems open, or else for each branch; fetch their commits.

    Refs that cannot be fetched are left out.
    """
    trunk = _fetch_trunk(mirror, release)
    refs = open_requests(mirror.remote, _landed(mirror, trunk)) or branches(mirror.remote)
    fetched = fetch_readable(mirror, dict(sorted(refs.items(), reverse=True)[:MOST]))
    tips_by_number = _tips(mirror, fetched.tips, release, trunk)
    youngest = max((tip.when for tip in tips_by_number.values()), default=0)
    young = {number: tip for number, tip in tips_by_number.items() if tip.when > youngest - YOUNG}
    known = (f"^{release.commit}", f"^{trunk}")
    return Waiting(
        tickets=tuple(_ticket(mirror, number, refs[number], young[number], known) for number in sorted(young)),
        left_out={refs[number]: fetched.faults[number] for number in sorted(fetched.faults)},
    )


def open_requests(remote: Mapping[str, str], landed: frozenset[int]) -> dict[int, str]:
    """Return the refs of pull or merge requests that seem open, by number."""
    heads: dict[int, str] = {}
    mergeable = set()
    for ref in remote:
        if found := _REQUEST.fullmatch(ref):
            if found[2] == "/merge":
                mergeable.add(int(found[1]))
            else:
                heads[int(found[1])] = ref
    return {n: ref for n, ref in heads.items() if n not in landed and (n in mergeable or not mergeable)}


def branches(remote: Mapping[str, str]) -> dict[int, str]:
    """Return all branches that look like work, by the number in their name or an unused one; each commit once."""
    seen = {remote.get(name, "") for name in ("HEAD", "refs/remotes/origin/HEAD")}
    free, found = count(1), dict[int, str]()
    for ref in sorted(remote):
        named = _BRANCH.fullmatch(ref)
        if not named or _REQUEST.fullmatch(ref) or _NO_WORK.fullmatch(named[1]):
            continue
        if remote[ref] not in seen:
            seen.add(remote[ref])
            digits = re.search(r"(?<!\d)[1-9]\d{0,8}(?!\d)", named[1])
            number = int(digits[0]) if digits and int(digits[0]) not in found else None
            found[number or next(n for n in free if n not in found)] = ref
    return found


def _fetch_trunk(mirror: Mirror, release: Release) -> str:
    """Fetch the default branch (for a clone, origin's) and return its commit, or the release's if there is none."""
    ref = next((name for name in ("refs/remotes/origin/HEAD", "HEAD") if name in mirror.remote), None)
    if ref is None:
        return release.commit
    try:
        mirror.fetch({_TRUNK: ref})
    except SourceError:  # the release's history is enough
        return release.commit
    return mirror.remote[ref]


def _landed(mirror: Mirror, trunk: str) -> frozenset[int]:
    reply = mirror.repository.git("log", "-z", "--first-parent", "--format=%B", trunk)
    return merge_subjects().numbers(reply.out.decode("utf-8", "replace").split("\0"))


def _tips(mirror: Mirror, tips: Mapping[int, str], release: Release, trunk: str) -> dict[int, _Tip]:
    """Return the commit and date of each ref, without those that the release or the default branch contains."""
    listed = "".join(f"{commit}\n" for commit in tips.values())
    if not listed:
        return {}
    known = f"^{release.commit}\n^{trunk}\n"
    new = set(mirror.repository.git("rev-list", "--stdin", put=(listed + known).encode()).text.split())
    arguments = ("log", "--no-walk=unsorted", "-z", "--stdin", "--format=%H %ct")
    rows = (row.split() for row in mirror.repository.git(*arguments, put=listed.encode()).text.split("\0") if row)
    at = {commit: _Tip(commit=commit, when=int(when)) for commit, when in rows}
    return {number: at[commit] for number, commit in tips.items() if commit in new}


def _ticket(mirror: Mirror, number: int, ref: str, tip: _Tip, known: tuple[str, ...]) -> Ticket:
    """Return a ticket titled after the first commit: the last one is often "fix typo" or a merge of the trunk."""
    arguments = ("log", "-z", "--no-merges", "--format=%s%x1f%aN", tip.commit, *known)
    rows = mirror.repository.git(*arguments).out.decode("utf-8", "replace").split("\0")
    subject, _, author = next((row for row in reversed(rows) if row), "\x1f").partition("\x1f")
    title = harmless_line(subject)[:200] or ref
    return Ticket(number=number, title=title, branch=ref, authors=(harmless_line(author)[:100] or "unknown",))

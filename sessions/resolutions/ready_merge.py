"""A merge commit for the author of a ticket: the ticket's branch, with what it conflicts with merged and resolved."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from sessions.resolutions.memory import ResolutionMemory
from sessions.source.merge_commit import commit_content
from sessions.source.merge_tree import MergeTree
from sessions.terminal.ticket_numbers import name_ticket
from sessions.tickets.model import name_tickets


def make_ready_merge(
    memory: ResolutionMemory, ticket: tuple[str, int], others: Sequence[tuple[str, int]], signature: str
) -> str | None:
    """Merge the commits of ``others`` into that of ``ticket``; each is a full hex id with the number of its ticket.

    The number 0 is that of the release. ``signature`` is that of whoever resolved the conflict, with a time. Return the
    last merge commit; ``None`` if what the memory holds does not decide all conflicts there.
    """
    repository = memory.repository
    head, number = ticket
    commits = {number: head}
    with closing(MergeTree(repository)) as git:
        for commit, other in others:
            tree = repository.git("rev-parse", "--verify", f"{head}^{{tree}}").text
            merge = git.merge(head, commit, tree)
            unmerged = git.unmerged(merge, head, commit, tree)
            solved = memory.solve(unmerged, number) if unmerged else None
            if unmerged and solved is None:
                return None
            commits[other] = commit
            made = memory.fix(solved.tree if solved else merge.tree, commits, number).tree
            what = name_tickets([other]) if other else "the release"
            content = commit_content(made, (head, commit), signature, f"Merge {what} into {name_ticket(number)}\n")
            head = repository.write_commit(content)
    return head

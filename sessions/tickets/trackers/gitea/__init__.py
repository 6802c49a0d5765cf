"""Pull requests on Forgejo and Gitea, whose REST interfaces are the same as far as they are used here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sessions.settings.ticket_settings import Tracker
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.trackers.gitea.address import (
    FORGEJO_HOSTS,
    GITEA_HOSTS,
    Hosts,
    recognise_repository,
    repository_of_origin,
)
from sessions.tickets.trackers.issues import IssueTracker
from sessions.tickets.trackers.kind import Surroundings, TicketSource, TrackerKind


def _connect(hosts: Hosts) -> Callable[[Tracker, Surroundings], TicketSource]:
    def connect(settings: Tracker, surroundings: Surroundings) -> TicketSource:
        from sessions.tickets.trackers.gitea.tracker import GiteaTracker

        return GiteaTracker(settings, surroundings.patience, hosts=hosts, labels_only=surroundings.labels_only)

    return connect


def _connect_issues(hosts: Hosts) -> Callable[[Tracker, Surroundings], IssueTracker]:
    def connect(settings: Tracker, surroundings: Surroundings) -> IssueTracker:
        from sessions.tickets.trackers.gitea.issues import GiteaIssues
        from sessions.tickets.trackers.gitea.tracker import GiteaTracker

        return GiteaIssues(GiteaTracker(settings, surroundings.patience, hosts=hosts).client)

    return connect


def _kind(hosts: Hosts) -> TrackerKind:
    return TrackerKind(
        name=hosts.title.lower(),
        title=hosts.title,
        tickets="pull requests",
        noun=f"a {hosts.title} repository",
        connect=_connect(hosts),
        connect_issues=_connect_issues(hosts),
        dialect=MARKDOWN,
        recognise=partial(recognise_repository, hosts),
        recognise_origin=partial(repository_of_origin, hosts),
        tokens=hosts.tokens,
        # "Merge pull request 'A title' (#7) from branch into main"
        merge_subjects=(r"Merge pull request '.*' \(#(\d+)\) from ",),
        request_ref="refs/pull/{number}/head",
        read_by_init=True,
        prefix=hosts.prefix,
    )


FORGEJO, GITEA = _kind(FORGEJO_HOSTS), _kind(GITEA_HOSTS)

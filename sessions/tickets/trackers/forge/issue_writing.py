"""Write to the issues of a repository on a forge."""

from __future__ import annotations

from typing import Any

from sessions.terminal.errors import RefusedError, TrackerAccessError
from sessions.tickets.trackers.forge.rest import RestClient, reason_in


def write_issue(rest: RestClient, method: str, path: str, content: Any) -> Any:
    """Write to an issue, and return the answer.

    Raises :class:`RefusedError` where the forge refuses that, and :class:`TrackerAccessError` where it does the token.
    """
    response = rest.caller.write(method, f"{rest.base}/{path}", headers=dict(rest.headers), json=content)
    if response.ok:
        return rest.caller.json(response)
    why = f"{rest.forge} refuses to change issues in {rest.name} (HTTP {response.status_code}, {reason_in(response)})"
    remedy = f": are issues enabled, and does the token in {rest.tokens} allow it?"
    if response.status_code == 401:
        raise TrackerAccessError(why + remedy)
    raise RefusedError(why + remedy, may_be_setup=True)


def check_label(rest: RestClient, number: int, labels: list[str], label: str) -> None:
    """Check that a new issue has its label, by which it is found again.

    Raises :class:`RefusedError` if it has not: GitHub, for one, leaves labels out without a word.
    """
    if label not in labels:
        raise RefusedError(
            f"{rest.forge} opened #{number} in {rest.name} without the label {label!r}, so that it would be opened "
            f"again every day: let the token in {rest.tokens} set labels, and close #{number} by hand.",
            may_be_setup=True,
        )

"""Where a ticket stopped in the merge line: what was merged before it, and with which tickets it does not go."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sessions.day.context import Day
from sessions.day.line_selection import LineSelection
from sessions.day.todays_queue import read_tickets, todays_queue
from sessions.ledger.record_file import load_record, write_whole
from sessions.source.conflicts import Clash
from sessions.source.line import Line, Queue, start_line
from sessions.terminal.errors import UsageError
from sessions.terminal.ticket_numbers import file_name, name_ticket, parse_ticket_number, plain_number
from sessions.tickets.model import Ticket, Verdict


@dataclass(frozen=True, kw_only=True)
class Party:
    """A ticket of a conflict, as far as it is kept on disk: its full commit id, and what people know it by."""

    number: int
    commit: str
    title: str = ""
    url: str = ""

    @property
    def name(self) -> str:
        """How the ticket is called in a sentence."""
        return name_ticket(self.number)

    @property
    def file_name(self) -> str:
        """Its number in names of files and refs."""
        return file_name(self.number)

    @classmethod
    def of(cls, ticket: Ticket) -> Party:
        """Return what is kept of a ticket."""
        return cls(number=ticket.number, commit=ticket.commit, title=ticket.title, url=ticket.url)


@dataclass(frozen=True, kw_only=True)
class Stop:
    """The merge at which ``ticket`` stopped.

    ``onto`` is the commit that it is merged onto, with ``before`` tickets in it, and ``others`` are those that it
    conflicts with or breaks something with; none where that is what the line starts with. ``reason`` says why it
    stopped.
    """

    ticket: Party
    onto: str
    before: int
    others: tuple[Party, ...]
    reason: str


def find_stop(day: Day, number: int) -> Stop:
    """Merge the day's line, and return where ticket ``number`` stopped in it.

    Raises :class:`UsageError` for a ticket that is not ready, or that neither conflicts nor broke something together
    with another one in the newest record.
    """
    today = read_tickets(day)
    queue = start_line(todays_queue(day, today), day.merger)
    line = LineSelection(day=day, queue=queue, hints=today.hints).merge({})
    decision = line.decisions.get(number)
    if decision is None:
        raise UsageError(f"There is no open ticket {name_ticket(number)}.")
    if decision.verdict is Verdict.CONFLICT:
        partners = {other for conflict in decision.conflicts for other in conflict.with_}
        reason = decision.reason
    elif decision.verdict is Verdict.INTEGRATED:
        partners, reason = _partners(day.home, number)
    else:
        raise UsageError(
            f"{name_ticket(number)} has no conflict to resolve, as it is {decision.verdict}: {decision.reason}."
        )
    before = _tickets_before(number, line, queue, day.config.select)
    others = tuple(Party.of(each) for each in before if each.number in partners)
    if decision.verdict is Verdict.INTEGRATED and len(others) < len(partners):
        raise UsageError(
            f"{name_ticket(number)} is merged before a ticket that it breaks something with: resolve that one."
        )
    onto = day.merger.combine(before)
    if isinstance(onto, Clash):
        raise UsageError("The merge line is not what it was: type the same command again.")
    chosen = next(each for each in queue.tickets if each.number == number)
    return Stop(ticket=Party.of(chosen), onto=onto.commit, before=len(before), others=others, reason=reason)


def _tickets_before(number: int, line: Line, queue: Queue, select: str) -> list[Ticket]:
    """Return the tickets of the line that were merged when ticket ``number`` was tried."""
    if number in line.head.tickets:
        return list(line.tickets[: line.head.tickets.index(number)])
    if select == "best":  # whatever is not in the best set is tried after it
        return list(line.tickets)
    order = [ticket.number for ticket in queue.tickets]
    return [each for each in line.tickets if order.index(each.number) < order.index(number)]


def save_stop(folder: Path, stop: Stop) -> None:
    """Keep a stop beside its work tree, in the folder of all open ones."""
    folder.mkdir(parents=True, exist_ok=True)
    parties = {"ticket": _kept(stop.ticket), "others": [_kept(each) for each in stop.others]}
    text = json.dumps({**asdict(stop), **parties}, indent=2)
    write_whole(folder / f"{stop.ticket.file_name}.json", text)


def load_stop(folder: Path, number: int | None) -> Stop:
    """Return the open stop of a ticket; of the only one if ``number`` is ``None``.

    Raises :class:`UsageError` if there is none, or if several are open and none is named.
    """
    files = sorted(folder.glob("*.json"))
    names = [path.stem for path in files]
    if number is None and len(files) > 1:
        raise UsageError(f"Several conflicts are open ({', '.join(names)}): name the ticket.")
    chosen = names[0] if number is None and names else file_name(number or 0)
    if chosen not in names:
        what = "No conflict is open" if number is None else f"The conflict of {name_ticket(number)} is not open"
        raise UsageError(f"{what}: type `nox -s resolve -- N` with the number of a ticket first.")
    found = json.loads((folder / f"{chosen}.json").read_text(encoding="utf-8"))
    return Stop(
        ticket=_party(found["ticket"]),
        onto=found["onto"],
        before=found["before"],
        others=tuple(_party(each) for each in found["others"]),
        reason=found["reason"],
    )


def _kept(party: Party) -> dict[str, Any]:
    return {**asdict(party), "number": plain_number(party.number)}


def _party(kept: dict[str, Any]) -> Party:
    return Party(**{**kept, "number": parse_ticket_number(str(kept["number"]))})


def forget_stop(folder: Path, stop: Stop) -> None:
    """Remove what :func:`save_stop` wrote."""
    (folder / f"{stop.ticket.file_name}.json").unlink(missing_ok=True)


def _partners(state: Path, number: int) -> tuple[set[int], str]:
    """Return with which tickets a ticket broke something in the newest record, and what."""
    for ticket in load_record(state).tickets:
        partners = {other for broke in ticket.broke for other in broke.with_}
        if ticket.number == number and partners:
            return partners, ticket.reason
    raise UsageError(
        f"{name_ticket(number)} has nothing to resolve: it merges without a conflict, and the newest record names no "
        "ticket together with which it breaks something."
    )

"""A question that a probe answers, and an answer that the day's decisions rest on."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.gates.shards import Shard
from sessions.ledger.ledger import Key, ProbeResult
from sessions.ledger.record import Purpose
from sessions.settings.configuration import Gate
from sessions.source.merging import Candidate


@dataclass(frozen=True, kw_only=True)
class Question:
    """What does a gate show on a candidate, on the whole or in some ``files``?

    ``purpose`` says what it is for, to the record and the report; ``why`` says it to people. ``keep`` says that
    there will be more questions about this candidate: an engine that can keeps its build. ``shard`` says which part of
    the whole gate ``files`` are. An ``incremental`` question may be answered by a probe that starts from the nearest
    kept build; such an answer leads a search, and no decision rests on it.
    """

    gate: Gate
    candidate: Candidate
    files: tuple[str, ...] | None = None
    attempt: int = 1
    why: str
    purpose: Purpose
    keep: bool = False
    shard: Shard | None = None
    incremental: bool = False


@dataclass(frozen=True, kw_only=True)
class Consulted:
    """A result that the day rests on; ``fresh`` if its probe ran in this call, not in an earlier one."""

    question: Question
    key: Key
    probe_result: ProbeResult
    fresh: bool

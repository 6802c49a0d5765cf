"""Days made up: 500 tickets of all verdicts, with evidence, conflicts and a search; and a month of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import random
from pathlib import Path
from typing import Any

Record = dict[str, Any]
_VERDICTS = ["integrated"] * 78 + ["ineligible"] * 8 + ["conflict"] * 6 + ["culprit"] * 4 + ["blocked"] * 4
_WORDS = ["series", "matrix", "ring", "field", "graph", "plot", "lattice", "prime", "group", "symbolic", "tensor"]


def commit(seed: object) -> str:
    return hashlib.sha1(repr(seed).encode(), usedforsecurity=False).hexdigest()


def big_day(size: int = 500, date: str = "2026-11-23", seed: int = 1) -> Record:
    """A day of ``size`` tickets, as the record tells it; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311
    tickets = [_ticket(36000 + at, chance) for at in range(size)]
    ready = [each["number"] for each in tickets if each["verdict"] != "ineligible"]
    head = [each["number"] for each in tickets if each["verdict"] == "integrated"]
    probes = [
        _probe("doctest", "on 10.5.beta3 itself", [], [], 4000),
        _probe("doctest", "on the head", ready, ["x"], 4100),
    ]
    for ticket in tickets:
        for broke in ticket["broke"][:1]:
            upto = ready[: ready.index(ticket["number"]) + 1]
            for part in (upto, upto[:-1], [ticket["number"]]):
                failed = [broke["test"]] if ticket["number"] in part else []
                probes.append(_probe("doctest", f"with {len(part)} tickets up to #{part[-1]}", part, failed, 300))
    probes.append(_probe("doctest", "on the head with fewer tickets", head, [], 4000))
    probes.append(_probe("doc-pdf", "on the head with fewer tickets", head, [], 1800))
    return {
        "version": 1,
        "project": "sage",
        "release": "10.5.beta3",
        "base": commit("base"),
        "date": date,
        "branch": f"10.5.beta3+integration-{date}",
        "head": commit(("head", date)),
        "tree": commit(("tree", date)),
        "state": "green",
        "message": f"{len(head)} tickets together pass every gate",
        "asked": ["doctest", "doc-pdf"],
        "options": {},
        "queue": ready,
        "order": head,
        "tickets": tickets,
        "gates": {"doctest": _gate(chance), "doc-pdf": _gate(None)},
        "probes": probes,
        "engine": "docker",
        "image": "ghcr.io/sagemath/sage/sage-ubuntu-focal-standard-with-targets:10.5.beta3",
        "published": {},
        "timings": {
            "seconds": 16100.0,
            "probes_run": len(probes),
            "probe_seconds": sum(each["seconds"] for each in probes),
        },
    }


def _ticket(number: int, chance: random.Random) -> Record:
    verdict = chance.choice(_VERDICTS)
    title = " ".join(chance.choices(_WORDS, k=chance.randint(3, 9))).capitalize()
    path = f"src/sage/{chance.choice(_WORDS)}/{chance.choice(_WORDS)}.py"
    reasons = {
        "ineligible": "it is s: needs work",
        "conflict": f"it conflicts with #{number - 1} in {path}",
        "culprit": f"it breaks {path}::sage.some.function [1 + {number}]",
        "blocked": f"it depends on #{number - 1}, which is out: ineligible, it is s: needs work",
    }
    return {
        "number": number,
        "title": title,
        "url": f"https://github.com/sagemath/sage/pull/{number}",
        "priority": chance.choice(["p: blocker / 1", "p: major / 3", "p: minor / 4"]),
        "commit": commit(number),
        "verdict": verdict,
        "reason": reasons.get(verdict, ""),
        "blocked_by": [number - 1] if verdict == "blocked" else [],
        "conflicts": [_conflict(number, path)] if verdict == "conflict" else [],
        "broke": [_broke(number, path, at, chance) for at in range(3)] if verdict == "culprit" else [],
    }


def _conflict(number: int, path: str) -> Record:
    ours = "\n".join(f"    value_{at} = compute(ring, {at})" for at in range(12))
    theirs = ours.replace("ring", "field")
    hunk = f"<<<<<<< merged so far\n{ours}\n=======\n{theirs}\n>>>>>>> this ticket"
    return {"with": [number - 1], "path": path, "lines": "120-131", "kind": "contents", "hunk": hunk}


def _broke(number: int, path: str, at: int, chance: random.Random) -> Record:
    return {
        "gate": "doctest",
        "test": f"{path}::sage.some.function_{at} [1 + {number}]",
        "with": [number - chance.randint(1, 40)] if chance.random() < 0.3 else [],
        "message": f"Failed example:\n    1 + {number}\nExpected:\n    {number}\nGot:\n    {number + 1}",
        "evidence": [f"fails, twice, with #{number}", "passes with the release alone"],
        "reproduce": f"nox -s reproduce -- {number}",
    }


def _probe(gate: str, why: str, tickets: list[int], failed: list[str], seconds: float) -> Record:
    return {
        "gate": gate,
        "why": why,
        "tree": commit((why, *tickets)),
        "tickets": tickets,
        "files": None,
        "attempt": 1,
        "failures": len(failed),
        "failed": failed,
        "seconds": float(seconds),
        "log": f"logs/{commit((gate, why, *tickets))[:12]}.log",
    }


def _gate(chance: random.Random | None) -> Record:
    flaky = [f"src/sage/{word}.py::sage.{word} [t()]" for word in _WORDS if chance and chance.random() < 0.2]
    told = {"state": "green", "new": [], "known": [], "fixed": [], "flaky": flaky, "seconds": 9000.0}
    return {**told, "tests": 480_000 if chance else 0, "files": [], "failures": []}


def write_days(state: Path, count: int = 30, size: int = 60) -> None:
    """A state folder with ``count`` days up to 2026-11-23, of ``size`` tickets each."""
    newest = dt.date(2026, 11, 23)
    for back in reversed(range(count)):
        date = (newest - dt.timedelta(days=back)).isoformat()
        folder = state / "days" / date
        folder.mkdir(parents=True)
        # Tickets come over time: the older the day, the fewer of them.
        day = big_day(size=size - back, date=date, seed=back // 5)
        (folder / "run.json").write_text(json.dumps(day))

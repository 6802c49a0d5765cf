"""The run record on disk, ``STATE/latest/run.json``: the one place that turns a record into JSON and back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from enum import StrEnum
from functools import cache, partial
from itertools import chain
from pathlib import Path
from types import GenericAlias
from typing import Any, TypeVar, get_args, get_origin

from cattrs import BaseValidationError, Converter, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from sessions.gates.results import TestId
from sessions.ledger.record import (
    RECORD_VERSION,
    Published,
    Purpose,
    Ran,
    Record,
    RecordedBreakage,
    RecordedFailure,
    RecordedGate,
    RecordedImage,
    RecordedOptions,
    RecordedProbe,
    RecordedTestChanges,
    RecordedTicket,
)
from sessions.terminal.errors import UsageError
from sessions.terminal.ticket_numbers import TicketNumber, parse_ticket_number, plain_number
from sessions.tickets.model import Conflict, UsedResolution

_Value = TypeVar("_Value")
# What ends the name of the folder of a call with `--only` or `--files`.
PART = "-part"
# The folder, below the state folder, of the records of days whose own folders were removed.
PAST = "past"
SCHEMA = Path(__file__).with_name("run.schema.json")
# In JSON a field has the plain name that is a keyword in Python.
RENAMED = {"with_": "with"}
# Fields that are left out of the JSON where they have their default.
OPTIONAL: Mapping[type, tuple[str, ...]] = {
    RecordedOptions: tuple(each.name for each in fields(RecordedOptions)),
    Ran: ("release", "head"),
    RecordedGate: ("mended_by", "broken_by_fixes", "ignored", "causes", "slower", "pace_unknown"),
    RecordedImage: ("number", "gate", "tree"),
    Published: tuple(each.name for each in fields(Published)),
    RecordedTestChanges: ("as_release",),
    # What holds others comes after them: its hook is made of theirs.
    RecordedTicket: ("soaks", "slowdowns", "alternative", "origin"),
    Record: ("hints", "best_set"),
}
_NOUNS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def record_data(record: Record) -> dict[str, Any]:
    """Return the record as JSON data: dictionaries, lists, texts and numbers."""
    data: dict[str, Any] = json.loads(record_text(record))
    return data


def record_text(record: Record) -> str:
    """Return the record as JSON. Bytes of a path that are not UTF-8 become lone surrogates."""
    return "".join(_record_pieces(record))


def _record_pieces(record: Record) -> Iterator[str]:
    """Yield the record as JSON, piece by piece: the whole text may take more memory than the record."""
    encoder = json.JSONEncoder(indent=2, ensure_ascii=False, default=_converter().unstructure)
    return encoder.iterencode(_outer_converter().unstructure(record))


def parse_record(data: object) -> Record:
    """Return the record in JSON data, which may come from an older version.

    Raises ValueError with a clause that names the first wrong field.
    """
    if not isinstance(data, dict):
        raise ValueError("it holds no record")  # noqa: TRY004  told with the other ways to be damaged
    if data.get("version") != RECORD_VERSION:
        raise ValueError(f"it has version {data.get('version')}, and this Integrand reads {RECORD_VERSION}")
    try:
        return _converter().structure(data, Record)
    except BaseValidationError as error:
        raise ValueError(_first_problem(error)) from None


def save_record(record: Record, folder: Path) -> None:
    """Write ``run.json`` into a day's folder, and point ``latest`` to that day; both changes are atomic."""
    write_whole(folder / "run.json", chain(_record_pieces(record), "\n"))
    point_latest(folder)


def read_record(path: Path) -> Record:
    """Read a record from a file.

    Raises OSError if the file cannot be read, and ValueError with a clause if it is not a record.
    """
    try:
        return parse_record(json.loads(path.read_text(encoding="utf-8")))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def load_record(state: Path) -> Record:
    """Return the newest record of a state folder.

    Raises :class:`UsageError` if there is none that can be read.
    """
    path = state / "latest" / "run.json"
    try:
        return read_record(path)
    except FileNotFoundError:
        raise UsageError(f"There is no run yet in {state}: type `nox -s integrate` first.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({error}): type `nox -s integrate` to write it anew.") from None


def record_of_day(folder: Path) -> Record | None:
    """Return the record in a day's folder; ``None`` if there is none that can be read."""
    with suppress(OSError, ValueError):
        return read_record(folder / "run.json")
    return None


def records_before(days: Path, date: str | None) -> Iterator[Record]:
    """Yield the records of the whole days before ``date`` (ISO 8601), or of all, the newest first.

    Those that cannot be read are skipped.
    """
    for folder in sorted(days.glob("????-??-??"), reverse=True):
        if (date is None or folder.name < date) and (record := record_of_day(folder)):
            yield record


def day_folder(state: Path, date: str, *, plan: bool, is_part: bool) -> Path:
    """Return the folder of a day's record and report. A plan and a part of a day have separate folders."""
    return state / "days" / (date + ("-plan" if plan else PART if is_part else ""))


def folder_of(record: Record, state: Path) -> Path:
    """Return the folder in which a state folder keeps this record."""
    options = record.options
    return day_folder(state, record.date, plan=options.plan, is_part=bool(options.only or options.files))


def point_latest(folder: Path) -> None:
    """Point ``latest``, next to the folder of all days, to this day's folder.

    A part of a day does not hide that day: if the whole day of the same release exists, ``latest`` points to that.
    """
    if folder.name.endswith(PART):
        whole = folder.with_name(folder.name.removesuffix(PART))
        part_record, whole_record = record_of_day(folder), record_of_day(whole)
        is_same = part_record and whole_record and part_record.base == whole_record.base
        folder = whole if is_same else folder
    latest = folder.parent.parent / "latest"
    half = latest.with_suffix(".half")
    half.unlink(missing_ok=True)
    half.symlink_to(os.path.relpath(folder, latest.parent), target_is_directory=True)
    half.replace(latest)


def write_whole(path: Path, text: str | Iterable[str]) -> None:
    """Write a file atomically, from a text or its pieces: a reader finds either the old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".half")
    with half.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines((text,) if isinstance(text, str) else text)
    half.replace(path)


@cache
def _outer_converter() -> Converter:
    """Return a converter that leaves what there may be 20,000 of as it is, for :func:`_converter` to convert later."""
    return _new_converter(keeps=(RecordedBreakage, RecordedFailure, RecordedProbe))


@cache
def _converter() -> Converter:
    return _new_converter(keeps=())


def _new_converter(*, keeps: tuple[type, ...]) -> Converter:
    converter = Converter()
    for kind in keeps:
        converter.register_unstructure_hook(kind, _unchanged)
    for kind in _NOUNS:
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook_factory(_is_tuple, partial(_listed, converter))
    converter.register_structure_hook(TestId, lambda text, _: TestId.parse(_exactly(str)(text, str)))
    converter.register_unstructure_hook(TestId, str)
    converter.register_structure_hook_func(_is_ticket_number, _read_number)
    converter.register_unstructure_hook_func(_is_ticket_number, plain_number)
    special: tuple[Any, ...] = (Conflict, RecordedBreakage, RecordedProbe, UsedResolution, *OPTIONAL)
    for kind in special:
        names = {each.name for each in fields(kind)}
        named: Any = {name: override(rename=plain) for name, plain in RENAMED.items() if name in names}
        left_out: Any = {name: override(omit_if_default=True) for name in OPTIONAL.get(kind, ())}
        read = make_dict_structure_fn(kind, converter, **named)
        converter.register_structure_hook(kind, _upgrading(kind, read))
        if kind not in keeps:
            converter.register_unstructure_hook(kind, make_dict_unstructure_fn(kind, converter, **named, **left_out))
    return converter


def _unchanged(value: _Value) -> _Value:
    return value


def _upgrading(kind: type, read: Callable[[Mapping[str, Any], Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a cattrs hook that also reads what older versions wrote."""
    upgrade = _UPGRADES.get(kind)
    return read if upgrade is None else lambda data, _: read(upgrade(data), kind)


def _exactly(kind: type) -> Callable[[Any, Any], Any]:
    """Return a cattrs hook that accepts only values of exactly this type, which cattrs would convert otherwise."""
    kinds = (int, float) if kind is float else kind

    def check(value: Any, target: Any) -> Any:
        if target is not kind and issubclass(target, StrEnum):  # for cattrs, each of them is a str
            return target(value)
        if not isinstance(value, kinds) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"must be {_NOUNS[kind]}")
        return value

    return check


def _is_ticket_number(kind: Any) -> bool:
    return kind is TicketNumber


def _read_number(value: Any, _kind: Any) -> int:
    if isinstance(value, str) and not value.isdecimal():
        return parse_ticket_number(value)
    return int(_exactly(int)(value, int))


def _is_tuple(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is tuple


def _listed(converter: Converter, kind: Any) -> Callable[[Any, Any], Any]:
    """Return a cattrs hook that makes a tuple of a list, and refuses texts and objects, which cattrs would accept."""
    list_kind: Any = GenericAlias(list, get_args(kind)[:1])
    read = converter.get_structure_hook(list_kind)

    def check(value: Any, _kind: Any) -> Any:
        if not isinstance(value, list):
            raise ValueError("must be a list")  # noqa: TRY004  as all problems of a record
        return tuple(read(value, list_kind))

    return check


def _first_problem(error: BaseValidationError) -> str:
    problem = transform_error(error, format_exception=_say_problem)[0]
    what, _, where = problem.rpartition(" @ $.")
    return f"{where}: {what}" if what else problem


def _say_problem(error: BaseException, _kind: type | None) -> str:
    if isinstance(error, KeyError):
        return "is missing"
    return str(error) if isinstance(error, ValueError) else "has the wrong form"


def _upgraded_published(data: dict[str, Any]) -> dict[str, Any]:
    image = data.get("image")
    return {**data, "image": {"name": image, "reference": image}} if isinstance(image, str) else data


def _upgraded_probe(data: dict[str, Any]) -> dict[str, Any]:
    is_built = "build" not in data.get("failed", ())
    return {"purpose": _purpose(data), "built": is_built, **_with_check(data)}


def _with_check(data: dict[str, Any]) -> dict[str, Any]:
    """Add the kind of check to an old breakage or probe, in which the name "build" always meant the build."""
    return {"check": "build" if data["gate"] == "build" else "gate", **data}


def _purpose(data: dict[str, Any]) -> str:
    """Guess the purpose of a probe from ``why``."""
    why = str(data["why"])
    if why.endswith("for flakes"):
        return Purpose.FLAKES
    if not data["tickets"]:
        return Purpose.RELEASE
    return Purpose.SEARCH if why.startswith("with ") else Purpose.HEAD


_UPGRADES: Mapping[type, Callable[[dict[str, Any]], dict[str, Any]]] = {
    Published: _upgraded_published,
    RecordedBreakage: _with_check,
    RecordedProbe: _upgraded_probe,
}

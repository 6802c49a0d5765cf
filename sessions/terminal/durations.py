"""Durations as people type and read them: ``5h30m``, ``90s``."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?")


def parse_duration(text: str) -> float:
    """Return the seconds in ``5h30m``, ``45m`` or ``90s``.

    Raises ValueError with a message for users for anything else.
    """
    found = _DURATION.fullmatch(text.strip())
    if not text.strip() or not found:
        raise ValueError(f"{text!r} is not a duration: write it as 5h30m, 45m or 90s")
    hours, minutes, seconds = (int(found[unit] or 0) for unit in "hms")
    return float(hours * 3600 + minutes * 60 + seconds)


def say_duration(seconds: float) -> str:
    """Format seconds with at most two units: ``2h05m``, ``3m20s``, ``14s``, ``0.4s``."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"

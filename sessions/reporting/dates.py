"""Arithmetic with the dates of days."""

from __future__ import annotations

import datetime as dt


def days_between(first: str, last: str) -> int:
    """Return how many days lie between two ISO dates: 1 from one day to the next."""
    return (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days

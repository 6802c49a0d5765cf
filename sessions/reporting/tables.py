"""CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from sessions.terminal.harmless_text import harmless_line

# What a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@")


def csv_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table with a header, in UTF-8 as RFC 4180 has it; empty without rows."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows([{key: _cell(value) for key, value in row.items()} for row in rows])
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    line = harmless_line(value)
    return f"'{line}" if line.startswith(_FORMULA) else line

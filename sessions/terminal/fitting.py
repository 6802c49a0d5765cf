"""Fit text into a number of columns without cutting a word. Pure."""

from __future__ import annotations

import re

from rich.cells import cell_len


def fit(text: str, width: int) -> str:
    """Cut a text to ``width`` columns between two words, with an ellipsis in place of the rest.

    >>> fit("probe 3: doctest on the head", 20)
    'probe 3: doctest on…'
    >>> fit("probe 3: doctest on the head", 5)
    '…'
    """
    if cell_len(text) <= width:
        return text
    ends = [found.start() for found in re.finditer(r"\s+", text) if found.start()]
    fitting = [text[:end] for end in ends if cell_len(text[:end]) < width]
    return (fitting[-1] if fitting else "") + "…" if width > 0 else ""


def wrap(text: str, width: int) -> list[str]:
    """Break a text between words into lines of at most ``width`` columns; a longer word stays whole.

    >>> wrap("probe 3: doctest on the head", 16)
    ['probe 3: doctest', 'on the head']
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in re.findall(r"\s*\S+", paragraph):
            if line and cell_len(line + piece) > width:
                lines.append(line)
                line = piece.lstrip()
            else:
                line += piece
        lines.append(line)
    return lines

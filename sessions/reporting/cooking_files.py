"""Write "What's cooking" as a page, as Markdown and as the text of a mail, and a draft of the release notes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from textwrap import fill

from sessions.ledger.record_file import write_whole
from sessions.reporting.cooking import (
    Cooking,
    CookingRules,
    CookingSection,
    TicketStanding,
    Way,
    group_by_label,
    what_cooks,
)
from sessions.reporting.dates import days_between
from sessions.reporting.html import render_page
from sessions.reporting.index import read_all_days
from sessions.reporting.templates import Filters, render
from sessions.terminal.harmless_text import break_ci_commands, harmless_line
from sessions.tickets.dialects.markdown import MARKDOWN
from sessions.tickets.model import name_some

# Of a line of a mail: https://www.rfc-editor.org/rfc/rfc5322#section-2.1.1 recommends 78 at most.
_WIDTH = 76
# The indent of a ticket's own lines in a mail.
_TICKET = 2


def write_cooking(state: Path, folder: Path, rules: CookingRules) -> tuple[Path, ...]:
    """Write ``cooking.html``, ``cooking.md`` and ``cooking.txt`` on a state folder's days.

    Return the paths of what was written, none if no day is kept.

    If a new release tag appeared in the kept days, ``release-notes.md`` is written, too.

    Raises OSError if ``folder`` cannot be written.
    """
    cooking = what_cooks(read_all_days(state), rules)
    if cooking is None:
        return ()
    texts = {
        "cooking.html": cooking_page(cooking, index=""),
        "cooking.md": cooking_markdown(cooking),
        "cooking.txt": cooking_mail(cooking),
    }
    if cooking.released:
        texts["release-notes.md"] = release_notes(cooking)
    for name, text in texts.items():
        write_whole(folder / name, text)
    return tuple(folder / name for name in texts)


def cooking_page(cooking: Cooking | None, *, index: str) -> str:
    """Return the page. ``index`` is the address of the page of all days, from here; empty for none."""
    shown = _shown(cooking) if cooking else {"cooking": None}
    return render_page("cooking.html.jinja", **shown, index=index)


def cooking_markdown(cooking: Cooking) -> str:
    """Return what cooks as Markdown."""
    return _text("cooking.md.jinja", cooking, {"plain": MARKDOWN.escape})


def cooking_mail(cooking: Cooking) -> str:
    """Return what cooks as the text of a mail, with its subject in the first line."""
    return break_ci_commands(_text("cooking.txt.jinja", cooking, {"plain": harmless_line, "wrapped": _wrapped}))


def release_notes(cooking: Cooking) -> str:
    """Return a draft of the newest release's notes, as Markdown: what the days saw to be in it, by label.

    Tickets that left the tracker, and that no day saw in the release, are listed apart: a person must check them.
    """
    left = {
        section: ways for section, ways in cooking.sections if section in (CookingSection.RELEASED, CookingSection.GONE)
    }
    inside = [way for way in left.get(CookingSection.RELEASED, ()) if way.release == cooking.release]
    return render(
        "release-notes.md.jinja",
        {"plain": MARKDOWN.escape},
        cooking=cooking,
        groups=group_by_label(sorted(inside, key=lambda way: way.number), cooking.rules),
        unseen=left.get(CookingSection.GONE, []),
    )


def say_since(cooking: Cooking, way: Way) -> str:
    """Return for how long a ticket has stood where it stands: ``4 days, since 2026-11-19``."""
    days = way.green_days
    if way.standing is not TicketStanding.IN_HEAD:
        days = days_between(way.since, cooking.newest.date)
    green = " green" if way.standing is TicketStanding.IN_HEAD else ""
    older = " or before" if way.since == cooking.first else ""
    return f"{days}{green} day{'s' * (days != 1)}, since {way.since}{older}"


def _text(name: str, cooking: Cooking, filters: Filters) -> str:
    return render(name, filters, **_shown(cooking))


def _shown(cooking: Cooking) -> dict[str, object]:
    """Return what each template shows. ``is_short``: the kept days are too few to see a stalled ticket."""
    return {
        "cooking": cooking,
        "news": cooking.news,
        "is_short": cooking.age_known < cooking.rules.stalled_after,
        "since": partial(say_since, cooking),
        "name_some": name_some,
    }


def _wrapped(text: str, indent: int) -> str:
    """Break one line of text into lines, the first of which begins with a bullet; long words stay whole."""
    first = " " * (indent - 2) + ("- " if indent > _TICKET else "* ")
    return fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )

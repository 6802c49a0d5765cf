"""Read a ticket's dependencies from text that people write: Trac fields and pull request bodies.

Nothing here fails on an unusual notation, because a ticket must never be rejected for a word in a text field. Fragments
that cannot be read are returned, so that somebody can look at them. Every rule has samples from SageMath's Trac tickets
and pull requests, which are in ``tests/tickets/test_dependencies.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Mood = Literal["hard", "soft", "none"]
Mention = tuple[int | str, Mood]
"""A ticket that a text names, by its number, or by its address if that is elsewhere."""

SAGE_URLS = ("https://github.com/sagemath/sage", "https://trac.sagemath.org", "http://trac.sagemath.org")


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """The required tickets (``hard``), the optional ones (``soft``), and the fragments that could not be read.

    ``hard`` and ``soft`` are sorted, without duplicates, and share no number. ``links`` are addresses in other places
    that are named as required: they may be tickets of another tracker of the project.
    """

    hard: tuple[int, ...] = ()
    soft: tuple[int, ...] = ()
    unread: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


# Each alternative is one kind of token. Phrases that change the meaning of the numbers after them come before the plain
# "depends on", because "does not depend on" contains it.
_TOKEN = re.compile(
    r"""
      (?P<url>https?://[^\s<>()\[\]"'`,;]+)
    | (?P<elsewhere>(?<![\w./-])[\w.-]+/[\w.-]+\#\d+)
    | (?P<number>(?<![\w&\#])(?:\#|gh-|:(?:trac|issue):`)\d{1,9}(?![\w]|\.\d))
    | (?P<against>\b(?:
          (?:fix|clos|resolv|supersed|replac|revert|address)(?:e|es|ed|ing|s)?
        | relat(?:ed|es)(?:\ to)? | see | cc | cf | similar\ to | duplicates?(?:\ of)? | blocks | blocking
        | follow(?:s|ed)?[-\ ]?up | part\ of | split(?:\ off)?\ from | instead\ of | independent\ of
        | merged\ (?:in|into|with) | (?:reported|discussed|mentioned|introduced)\ (?:at|by|in)
        | (?:needed|required|necessary)\ (?:for|by) | (?:not?|n't|no\ longer|never)\ depend(?:s|ing)?\ on
      )\b)
    | (?P<towards>\b(?:depend(?:s|ing|ent)?[-\ ]on|dependenc(?:y|ies)(?:\ on)?:))
    | (?P<soft>\bnot\ (?:strictly\ |really\ |absolutely\ )?(?:necessary|needed|required)\b
        | \bnice\ to\ have\b | \bsoft\ dependenc(?:y|ies)\b | \(optional\)
        | ^\W*optional(?:ly)?\b | (?<=\d)[\s:\u2013\u2014-]+optional\W*$)
    | (?P<open>\() | (?P<close>\))
    """,
    re.IGNORECASE | re.VERBOSE,
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_STRUCK = re.compile(r"~~.*?~~")
_LINK = re.compile(r"\[[^][]*\]\((https?://[^)\s]*)\)")
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d{1,2}[.)](?=\s))?\s*(?:\[[ xX]\]\s)?\s*")
_SENTENCE = re.compile(r"(?<!\bcf\.)(?<!e\.g\.)(?<!i\.e\.)(?<=[.!?])\s+")
_NONE = re.compile(
    r"^[\W_]*(?:(?:none|nothing|n\.?/?a|not (?:required|applicable|needed)|no (?:\w+ )?dependenc(?:y|ies))(?![^\W_])"
    r"|(?:no|nope|nil)?[\W_]*$)",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^\W*(?:depend(?:s|ing)?[- ]on|dependenc(?:y|ies)):?\s*", re.IGNORECASE)
_ASIDE = re.compile(r"\([^()]*\)")
_BARE = re.compile(r"(\([^()]*\))|(?<![\w#.-])(\d{1,9})(?![\w-]|\.\d)")
_TICKET_PATH = re.compile(r"/(?:(?:pull|pulls|issues|ticket)/)?(\d{1,9})(?!\w)")

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}#{1,6}(?:[ \t]+(.*))?$")
_WANTED = re.compile(r"^(?::\w+:|\W)*(?:dependenc(?:y|ies)|depends on)\b\W*$", re.IGNORECASE)
_INLINE_CODE = re.compile(r"`[^`\n]*`")
# "depends on" with the list of tickets that follows, on the same line or as bullets below it.
_FOOTER = re.compile(
    r"""
    \b(?:(?:not?|n't|no\ longer|never)[ ])?(?:depend(?:s|ing|ent)?[-\ ]on|dependenc(?:y|ies)(?:\ on)?:):?
    (?:
        (?:[ \t,&]|and\b|\b(?:the|prs?|pull\ requests?|tickets?|issues?)\b|\n[ \t]*[-*+][ ])*
        (?:https?://\S+|[\w./-]*\#\d+|gh-\d+)
    )+
    """,
    re.IGNORECASE | re.VERBOSE,
)


def read_dependencies(text: str, *, number: int = 0, urls: tuple[str, ...] = ()) -> Dependencies:
    """Read a dependency field, or the content of a dependencies section. Never raises.

    ``number`` is the ticket itself, which is never its own dependency. A link counts if it is the address of a ticket
    below one of ``urls``; without ``urls``, SageMath's addresses count.
    """
    mentions: list[Mention] = []
    unread = []
    for piece in dict.fromkeys(_pieces(text)):  # a line that is repeated a million times says no more
        found = [mention for sentence in _SENTENCE.split(piece) for mention in _mentions(sentence, urls)]
        mentions += found
        if not any(isinstance(named, int) for named, _ in found) and not _says_nothing(piece):
            unread.append(piece.strip())
    return _gather(mentions, number, unread)


def dependencies_in_body(body: str, *, number: int = 0, urls: tuple[str, ...] = ()) -> Dependencies:
    """Read a pull request's body: its dependencies section, and ``Depends on #7`` lines anywhere.

    Code fences are ignored. Outside of the section, only numbers after "depends on" count, and not the others in the
    description.
    """
    section, rest = _split_body(_FENCE.sub("", _COMMENT.sub("", body.replace("\r\n", "\n"))))
    inside = read_dependencies(section, number=number, urls=urls)
    mentions: list[Mention] = [(n, "hard") for n in inside.hard]
    mentions += [(link, "hard") for link in inside.links]
    mentions += [(n, "soft") for n in inside.soft]
    for footer in _FOOTER.findall(_clean(_INLINE_CODE.sub("", rest))):
        mentions += _mentions(footer, urls)
    return _gather(mentions, number, inside.unread)


def _pieces(text: str) -> Iterator[str]:
    """Split a text into lines, and lines at semicolons; remove bullets."""
    for piece in re.split(r"[;\r\n]", _clean(text)):
        yield _BULLET.sub("", piece, count=1)


def _clean(text: str) -> str:
    """Remove comments and struck-out text, and replace links by their addresses."""
    return _LINK.sub(r" \1 ", _STRUCK.sub("", _COMMENT.sub("", text)))


def _mentions(sentence: str, urls: tuple[str, ...]) -> list[Mention]:
    """Return each ticket that a sentence names, and whether it is required, optional, or something else."""
    found: list[Mention] = []
    moods: list[Mood] = ["soft" if _NONE.match(sentence) else "hard"]  # "None, but #7 would help"
    for token in _TOKEN.finditer(_hash_bare_numbers(sentence)):
        match token.lastgroup:
            case "against":
                moods[-1] = "none"
            case "towards":
                moods[-1] = "hard"
            case "open":
                moods.append(moods[-1])
            case "close":  # a mood within parentheses ends with them
                moods = moods[:-1] or moods
            case "soft" if found:
                found[-1] = _softer(found[-1])
            case "soft":
                moods[-1] = "soft" if moods[-1] == "hard" else moods[-1]
            case _:
                found += [(n, moods[-1]) for n in _named(token, urls)]
    return found


def _softer(mention: Mention) -> Mention:
    named, mood = mention
    return named, "soft" if mood == "hard" else mood


def _named(token: re.Match[str], urls: tuple[str, ...]) -> list[int] | list[str]:
    """Return the number in ``#7``, ``owner/name#7`` or a link; the link if it belongs to another project."""
    text = token.group()
    if token.lastgroup == "number":
        return [int(digits) for digits in re.findall(r"\d+", text)]
    if token.lastgroup == "elsewhere":
        text = "https://github.com/" + text.replace("#", "/issues/")
    for base in (url.rstrip("/") for url in urls or SAGE_URLS):
        if text.lower().startswith(base.lower()) and (path := _TICKET_PATH.match(text, len(base))):
            return [int(path.group(1))]
    return [text]


def _hash_bare_numbers(sentence: str) -> str:
    """Add ``#`` to the numbers of a plain list such as Trac's ``1234, 5678``; leave other sentences as they are."""
    parts = re.split(r"[\s,&]+|\band\b", _LEAD.sub("", _ASIDE.sub("", sentence)).strip(" \t.,"))
    if all(re.fullmatch(r"#?\d{1,9}|sage-\d+\.\S+|", word) for word in parts):
        return _BARE.sub(lambda found: found[1] or f"#{found[2]}", sentence)
    return sentence


def _says_nothing(piece: str) -> bool:
    """Whether a piece says "none", or only names tickets that are explicitly no dependencies."""
    tokens = {token.lastgroup for token in _TOKEN.finditer(piece)}
    return bool(_NONE.match(piece)) or "against" in tokens or not _LEAD.sub("", piece).strip()


def _gather(mentions: Sequence[Mention], number: int, unread: Iterable[str]) -> Dependencies:
    required = dict.fromkeys(named for named, mood in mentions if mood == "hard")
    hard = {n for n in required if isinstance(n, int)} - {0, number}
    soft = {n for n, mood in mentions if mood == "soft" and isinstance(n, int)} - {0, number} - hard
    links = tuple(link for link in required if isinstance(link, str))
    return Dependencies(hard=tuple(sorted(hard)), soft=tuple(sorted(soft)), unread=tuple(unread), links=links)


def _split_body(body: str) -> tuple[str, str]:
    """Split a body into the section below a heading "Dependencies" and all other lines."""
    section: list[str] = []
    rest: list[str] = []
    inside = False
    for line in body.splitlines():
        if heading := _HEADING.match(line):
            inside = bool(_WANTED.match(heading.group(1) or ""))
        else:
            (section if inside else rest).append(line)
    return "\n".join(section), "\n".join(rest)

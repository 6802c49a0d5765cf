"""The patch series of a mailbox: which mails belong together, and who reviewed them. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from sessions.tickets.trackers.mail.message import Mail
from sessions.tickets.trackers.mail.subject import PatchSubject, read_patch_subject

_DIFF = re.compile(r"^(diff --git |--- \S)", re.MULTILINE)
_BASE = re.compile(r"^base-commit: ([0-9a-f]{40}|[0-9a-f]{64})\s*$", re.MULTILINE)
_CHANGE_ID = re.compile(r"^change-id: (\S{1,200})\s*$", re.MULTILINE)
# `prerequisite-message-id` is b4's, https://b4.docs.kernel.org/en/latest/contributor/prep.html; `based-on` is QEMU's,
# https://www.qemu.org/docs/master/devel/submitting-a-patch.html; the other is what people type. Each is followed by an
# id or the address of an archive.
_NEEDS = re.compile(
    r"^(?:prerequisite-message-id|depends-on|based-on):[ \t]*<?(?:https?://\S{1,200}/)?([!-.0-;=?-~]{1,300}@[\w.-]{1,300})/?>?\s*$",
    re.MULTILINE | re.IGNORECASE,
)
_TRAILER = re.compile(r"^((?:Reviewed|Acked|Tested|Nacked)-by): (.*<([^<>\s]+)>)\s*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Series:
    """A series in one version: its mails by place, 0 being the cover letter, and the answers to each place."""

    subject: PatchSubject
    mails: Mapping[int, Mail]
    answers: Mapping[int, Sequence[Mail]] = field(default_factory=dict)

    @cached_property
    def head(self) -> Mail:
        """The cover letter, or else the first patch that is there."""
        return self.mails[min(self.mails)]

    @property
    def patches(self) -> tuple[Mail, ...]:
        """The mails with patches, in order."""
        return tuple(self.mails[place] for place in sorted(self.mails) if place)

    @property
    def missing(self) -> tuple[int, ...]:
        """The places of patches that are not in the mailbox."""
        return tuple(place for place in range(1, self.subject.count + 1) if place not in self.mails)

    @property
    def base(self) -> str:
        """The commit that it is made for, empty where it does not say."""
        return next((found for mail in self.mails.values() for found in _BASE.findall(mail.text)), "")

    @property
    def change_id(self) -> str:
        """What b4 calls the series in all of its versions, empty where it was not made with b4."""
        return next((found for mail in self.mails.values() for found in _CHANGE_ID.findall(mail.text)), "")

    @property
    def needs(self) -> tuple[str, ...]:
        """The ids of mails of other series that must come first."""
        own = {mail.message_id for mail in self.mails.values()}
        found = (each for mail in self.mails.values() for each in _NEEDS.findall(mail.text))
        return tuple(dict.fromkeys(each for each in found if each not in own))

    def trailers(self, place: int) -> tuple[str, ...]:
        """The trailers that others gave to a patch in their answers to it, or to the cover letter.

        A trailer counts only if its address is that of the mail: nobody gives one in another's name.
        """
        found = [
            f"{key.capitalize()}: {person}"
            for answer in (*self.answers.get(0, ()), *self.answers.get(place, ()))
            for key, person, address in _TRAILER.findall(answer.text)
            if address.lower() == answer.author[1]
        ]
        return tuple(dict.fromkeys(found))

    @cached_property
    def approvals(self) -> tuple[str, ...]:
        """The kinds of trailers that every patch has: in answers, or already in its own message."""
        kinds = []
        for place, mail in self.mails.items():
            if place:
                own = {key.capitalize() for key, _person, _address in _TRAILER.findall(mail.text.split("\n---\n")[0])}
                kinds.append(own | {each.partition(":")[0] for each in self.trailers(place)})
        return tuple(sorted(set.intersection(*kinds))) if kinds else ()


def find_series(mails: Iterable[Mail]) -> tuple[Series, ...]:
    """Return the series of a mailbox in all their versions, ordered by the date of their first mails."""
    in_order = sorted(mails, key=lambda mail: (mail.date, mail.message_id))
    by_id = {mail.message_id: mail for mail in in_order}
    read = {name: subject for name, mail in by_id.items() if (subject := _patch_subject(mail))}
    subjects = {name: _with_version(by_id[name], subject, by_id, read) for name, subject in read.items()}
    parts = tuple(_group(by_id, subjects))
    members = {mail.message_id: (place, part) for part in parts for place, mail in part.items()}
    answers = _answers(by_id, subjects, members)
    made = (
        Series(
            subject=subjects[part[min(part)].message_id],
            mails=dict(sorted(part.items())),
            answers=answers.get(id(part), {}),
        )
        for part in parts
        if set(part) != {0}
    )
    return tuple(sorted(made, key=lambda series: (series.head.date, series.head.message_id)))


def _patch_subject(mail: Mail) -> PatchSubject | None:
    """What the subject of a patch or of a cover letter says; ``None`` for any other mail."""
    subject = read_patch_subject(mail.subject)
    return subject if subject and (subject.place == 0 or _DIFF.search(mail.text)) else None


def _with_version(
    mail: Mail, subject: PatchSubject, by_id: Mapping[str, Mail], subjects: Mapping[str, PatchSubject]
) -> PatchSubject:
    """A subject with the version of the cover letter that the patch answers, where it has none of its own."""
    above = next((each for each in mail.ancestors if each in subjects), "")
    if subject.has_version or not above or subjects[above].place or not subjects[above].has_version:
        return subject
    is_of_it = by_id[above].author[1] == mail.author[1] and subjects[above].count == subject.count
    return replace(subject, version=subjects[above].version) if is_of_it else subject


def _kind(mail: Mail, subject: PatchSubject) -> tuple[str, int, int]:
    return mail.author[1], subject.version, subject.count


def _head(name: str, by_id: Mapping[str, Mail], subjects: Mapping[str, PatchSubject]) -> str:
    """The mail under which a patch was sent: its cover letter or the first patch, or itself."""
    kind, seen = _kind(by_id[name], subjects[name]), {name}
    while True:
        above = (each for each in by_id[name].ancestors if each in subjects and each not in seen)
        found = next((each for each in above if _kind(by_id[each], subjects[each]) == kind), None)
        if found is None or subjects[name].place == 0:
            return name
        name = found
        seen.add(name)


def _group(by_id: Mapping[str, Mail], subjects: Mapping[str, PatchSubject]) -> Iterator[dict[int, Mail]]:
    """The mails of each series, by place.

    Those that were sent under one head belong together; of one place the second is of a series that was sent again.
    Patches that answer nothing belong together if they can be of one series only.
    """
    heads = {name: _head(name, by_id, subjects) for name in subjects}
    above = {head for name, head in heads.items() if name != head}
    threads: dict[str, list[dict[int, Mail]]] = defaultdict(list)
    lone: dict[tuple[object, ...], list[dict[int, Mail]]] = defaultdict(list)
    for name, head in heads.items():
        subject = subjects[name]
        is_lone = name == head and head not in above
        if is_lone and subject.count == 1:
            yield {subject.place: by_id[name]}
        elif is_lone:
            _put(lone[*_kind(by_id[name], subject), subject.tags], subject.place, by_id[name])
        else:
            _put(threads[head], subject.place, by_id[name])
    for parts in threads.values():
        yield from parts
    for parts in lone.values():
        if len(parts) == 1:
            yield parts[0]
        else:
            yield from ({place: mail} for part in parts for place, mail in part.items())


def _put(parts: list[dict[int, Mail]], place: int, mail: Mail) -> None:
    """Add a mail to the first part that lacks its place: those before it have it, and none after it."""
    at = bisect_left(parts, True, key=lambda part: place not in part)
    if at == len(parts):
        parts.append({})
    parts[at][place] = mail


def _answers(
    by_id: Mapping[str, Mail], subjects: Mapping[str, PatchSubject], members: Mapping[str, tuple[int, dict[int, Mail]]]
) -> Mapping[int, Mapping[int, list[Mail]]]:
    """The answers to each series, by the place that they answer."""
    found: dict[int, dict[int, list[Mail]]] = defaultdict(lambda: defaultdict(list))
    for name, mail in by_id.items():
        target = None if name in subjects else next((each for each in mail.ancestors if each in members), None)
        if target:
            place, mails = members[target]
            found[id(mails)][place].append(mail)
    return found

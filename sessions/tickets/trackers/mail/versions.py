"""Which series are versions of one another, and which of them counts. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sessions.tickets.trackers.mail.series import Series
from sessions.tickets.trackers.mail.subject import read_patch_subject

# Of older series with a patch of the same title, so many are looked at: somebody may send thousands.
_MOST_VERSIONS = 50


def replaced_by(series: Sequence[Series]) -> dict[int, int]:
    """For each series that a newer version replaces, by its place in the sequence, the place of the newest one.

    The sequence is in the order of dates. Versions are of one author, and known by b4's change-id, by title, by
    answering one another, or by sharing the titles of at least half of their patches. The last two hold only between
    different versions: a companion for another project is sent as an answer, too.
    """
    kin = _Kin(series)
    for place, other in kin.pairs():
        kin.join(place, other)
    newest: dict[int, int] = {}
    for place in sorted(range(len(series)), key=lambda at: (series[at].subject.version, series[at].head.date)):
        newest[kin.root(place)] = place
    return {place: newest[kin.root(place)] for place in range(len(series)) if newest[kin.root(place)] != place}


@dataclass
class _Kin:
    """Groups of series, by place: each points to an older one of its group, the oldest to itself."""

    series: Sequence[Series]
    roots: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.roots = list(range(len(self.series)))

    def root(self, place: int) -> int:
        while self.roots[place] != place:
            self.roots[place] = self.roots[self.roots[place]]  # so that the way is shorter the next time
            place = self.roots[place]
        return place

    def join(self, one: int, other: int) -> None:
        first, last = sorted((self.root(one), self.root(other)))
        self.roots[last] = first

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Each series, with an older one of which it is a version."""
        by_key: dict[object, int] = {}
        by_title: dict[tuple[str, str], deque[int]] = defaultdict(lambda: deque(maxlen=_MOST_VERSIONS))
        by_mail = {mail.message_id: place for place, each in enumerate(self.series) for mail in each.mails.values()}
        for place, each in enumerate(self.series):
            author = each.head.author[1]
            for key in _keys(each):
                yield place, by_key.setdefault((author, key), place)
            for other in {by_mail[name] for name in each.head.ancestors if name in by_mail}:
                if self.series[other].head.author[1] == author and self._differ(place, other):
                    yield place, other
            shared: dict[int, int] = defaultdict(int)
            for title in _titles(each):
                for other in by_title[author, title]:
                    shared[other] += 1
                by_title[author, title].append(place)
            for other, count in shared.items():
                if self._differ(place, other) and 2 * count >= min(
                    len(self.series[at].patches) for at in (place, other)
                ):
                    yield place, other

    def _differ(self, place: int, other: int) -> bool:
        return self.series[place].subject.version != self.series[other].subject.version


def _keys(series: Series) -> Iterator[object]:
    if series.change_id:
        yield "change-id", series.change_id
    # Without a cover letter, the first of several patches gives the title, and can be sent in another series, too.
    is_whole = series.subject.place == 0 or series.subject.count == 1
    yield is_whole, _plain(series.subject.title)


def _titles(series: Series) -> set[str]:
    subjects = (read_patch_subject(mail.subject) for mail in series.patches)
    return {_plain(subject.title) for subject in subjects if subject}


def _plain(title: str) -> str:
    return " ".join(title.casefold().split())

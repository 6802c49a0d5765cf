"""Push what a run record names: the release's image, evidence, the head's image, and finally its branch.

Both `nox -s integrate -- --publish` and `nox -s publish` use this module. It runs no code of tickets, and pushes only
what the record names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sessions.engines.images import ImageStore
from sessions.engines.probe import Image
from sessions.ledger.record import (
    ImageKind,
    Published,
    PublishedImage,
    Record,
    RecordedBreakage,
    RecordedImage,
    State,
)
from sessions.publishing.branch import publish_branch
from sessions.publishing.images import publish_baseline, publish_image
from sessions.publishing.recorded_head import check_head
from sessions.reporting.reproduction import run_line
from sessions.settings.options import Options
from sessions.source.mirror import Mirror
from sessions.terminal.console import Console
from sessions.terminal.errors import InfrastructureError, IntegrandError, SourceError

# The number of a ticket, the gate that it breaks, and the tree that shows it.
EvidenceKey = tuple[int, str, str]
_AGAIN = "Type `nox -s integrate` here, or with --pack on the machine that made it, then publish again."


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Pushes what a record names, if ``--publish`` was given. ``images`` is ``None`` for an engine without images.

    ``troubles`` collects refused pushes: a refused push prevents only the pushes that depend on it.
    """

    options: Options
    console: Console
    repository: str  # `[engine] image`, empty if images are not pushed
    images: ImageStore | None
    troubles: list[IntegrandError] = field(default_factory=list)

    @property
    def pushes_images(self) -> bool:
        """Whether images leave this machine."""
        return bool(self.options.publish and self.repository and self.images)

    @contextmanager
    def go_on(self) -> Iterator[None]:
        """Store the error of a refused push for :meth:`finish`, and continue after it."""
        try:
            yield
        except (InfrastructureError, SourceError) as error:
            self.troubles.append(error)

    def finish(self) -> None:
        """Raise the first of the ``troubles``, if there are any."""
        if self.troubles:
            raise self.troubles[0]

    def push_release(self, record: Record) -> None:
        """Push what was built of the release's image, because results are valid for that image only."""
        for image in _images(record, ImageKind.RELEASE):
            if self.images and self.pushes_images:
                with self.go_on():
                    publish_baseline(self.images, self._checked(image), self.console)

    def pushed_evidence(self, name: str) -> str:
        """Return the address of an evidence image if the registry has it already, or an empty text.

        The name identifies the content, so an image that was pushed on another day shows the same.

        Raises :class:`InfrastructureError` if the registry fails.
        """
        digest = self.images.digest(name) if self.images and self.pushes_images else None
        return f"{self.repository}@{digest}" if digest else ""

    def push_evidence(self, record: Record) -> Record:
        """Push each image that shows what a ticket breaks; return the record with their addresses."""
        addresses: dict[EvidenceKey, str] = {}
        for image in _images(record, ImageKind.EVIDENCE):
            if self.images and self.pushes_images:
                with self.go_on():
                    address = self.pushed_evidence(image.name) or self._push(self.images, image)
                    addresses[image.number, image.gate, image.tree] = address
        return name_evidence(record, addresses)

    def push_head(self, record: Record, mirror: Mirror) -> Record:
        """Push the head's image and then, if the head is green and its image arrived, its branch."""
        published, before = record.published, len(self.troubles)
        with self.go_on():
            for image in _images(record, ImageKind.HEAD):
                published = self._push_head_image(record, image)
        if record.state is not State.GREEN:
            return replace(record, published=published)
        if len(self.troubles) == before:
            with self.go_on():
                check_head(mirror, record)
                branch = publish_branch(mirror, record.branch, record.head, self.console, self.options)
                published = replace(published, branch=branch or published.branch)
        unpushed = str(self.troubles[before]) if len(self.troubles) > before else ""
        return replace(record, published=published, unpushed=unpushed)

    def _push_head_image(self, record: Record, image: RecordedImage) -> Published:
        is_pushed = record.state is State.GREEN or self.options.push_failed
        if self.images is None or not self.repository or not is_pushed:
            return record.published
        if not self.options.publish:
            self.console.detail(f"not pushed without --publish: image {image.name}")
            return record.published
        pushed = PublishedImage(name=image.name, reference=self._push(self.images, image))
        return replace(record.published, image=pushed)

    def _push(self, images: ImageStore, image: RecordedImage) -> str:
        return publish_image(images, self._checked(image).name, self.console)

    def _checked(self, image: RecordedImage) -> Image:
        """Return the local image that the record names.

        Raises :class:`InfrastructureError` if it is missing, or another image has its name.
        """
        assert self.images is not None  # noqa: S101  the callers looked
        name, recorded = image.name, image.id
        if (here := self.images.transfer.find(name)) is None:
            raise InfrastructureError(f"The image {name} of the run record is not on this machine. {_AGAIN}")
        if here.id != recorded:
            raise InfrastructureError(
                f"The image {name} on this machine is {here.id[:19]}; the run record names {recorded[:19]}. {_AGAIN}"
            )
        return here


def _images(record: Record, kind: ImageKind) -> list[RecordedImage]:
    return [image for image in record.images if image.kind is kind]


def name_evidence(record: Record, names: Mapping[EvidenceKey, str]) -> Record:
    """Return the record with the names or addresses of images that show what tickets break."""

    def named(number: int, broke: RecordedBreakage) -> RecordedBreakage:
        name = names.get((number, broke.gate, broke.tree), "")
        return replace(broke, image=name, reproduce=run_line(name)) if name else broke

    tickets = tuple(
        replace(ticket, broke=tuple(named(ticket.number, broke) for broke in ticket.broke)) for ticket in record.tickets
    )
    return replace(record, tickets=tickets)

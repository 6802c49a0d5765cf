"""Branches made of mailed patches, in the mirror and without a work tree.

Git itself reads the mails (``git mailinfo``) and applies the patches, as ``git am -3`` does, to an index of its own.
Author, date and message come from the mail, and the committer is the author: the same mails on the same commit give
the same branch on every day.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from sessions.source.command import GitReply
from sessions.source.fetching import local_refs
from sessions.source.mirror import Mirror
from sessions.source.release_history import DEFAULT_REF
from sessions.source.releases import Release
from sessions.terminal.harmless_text import harmless_line
from sessions.tickets.patch_series import PatchSeries, SeriesBranch

_LARGEST = 20_000_000  # bytes of a mail: the largest on lists of the kernel have some 5 MB
# The moments that git can write into a commit on every platform: 1970 to 2100.
_LAST_MOMENT = 4_102_444_800
# Git then applies the patch as it is: that says why it fails.
_NO_THREE_WAY = "repository lacks the necessary blob"
_FIELD = re.compile(rb"^(Author|Email|Subject|Date): (.*)$", re.MULTILINE)


class _DoesNotApplyError(Exception):
    """One of the patches is unreadable, or does not apply; the text is a clause."""


@dataclass(frozen=True, kw_only=True)
class PatchBranches:
    """Makes branches of patches: onto the commit that they are made for, ``release``, or the default branch."""

    mirror: Mirror
    release: Release

    def apply(self, series: PatchSeries) -> SeriesBranch:
        """Return the branch of a series, or why it has none.

        The first commit to which all of its patches apply is taken: the one that it names, where the repository has
        that; the release; the tip of the default branch.

        Raises :class:`SourceError` where git fails for another reason than the patches.
        """
        is_known = bool(series.base) and bool(self.mirror.present([series.base]))
        tips = local_refs(self.mirror.repository, DEFAULT_REF).values()
        faults: dict[str, str] = {}
        for start in dict.fromkeys([*([series.base] if is_known else []), self.release.commit, *tips]):
            try:
                commit = self._apply_onto(start, series)
            except _DoesNotApplyError as error:
                faults[start] = str(error)
                continue
            name = f"series/{series.number}"
            self.mirror.repository.keep(name, commit)
            place = str(self.mirror.repository.path)
            return SeriesBranch(commit=commit, branch=f"refs/integrand/{name}", repository=place)
        unknown = f" (the repository lacks its base-commit {series.base[:10]})" if series.base and not is_known else ""
        return SeriesBranch(fault=f"it does not apply to {self.release.tag}{unknown}: {faults[self.release.commit]}")

    def _apply_onto(self, start: str, series: PatchSeries) -> str:
        with tempfile.TemporaryDirectory(prefix="integrand-") as folder:
            commit, index = start, _Index(mirror=self.mirror, folder=Path(folder))
            index.git("read-tree", f"{start}^{{tree}}")
            for place, (mail, trailers) in enumerate(zip(series.patches, series.trailers, strict=True), start=1):
                try:
                    commit = index.commit_patch(commit, mail, trailers)
                except _DoesNotApplyError as error:
                    raise _DoesNotApplyError(f"patch {place} of {len(series.patches)}, {error}") from None
        return commit


@dataclass(frozen=True, kw_only=True)
class _Index:
    """An index in ``folder``, which is also where git finds the parts of a mail."""

    mirror: Mirror
    folder: Path

    def git(self, *arguments: str, put: bytes = b"", ok: tuple[int, ...] = (0,)) -> GitReply:
        environment = {"GIT_INDEX_FILE": str(self.folder / "index")}
        repository = self.mirror.repository
        return repository.git(*arguments, put=put, ok=ok, env=environment, cwd=self.folder, may_complain=True)

    def commit_patch(self, parent: str, mail: bytes, trailers: tuple[str, ...]) -> str:
        """Apply the patch in a mail to the index, and return its commit."""
        if len(mail) > _LARGEST:
            raise _DoesNotApplyError(f"has {len(mail)} bytes, and {_LARGEST} are the most")
        reply = self.git("mailinfo", "--encoding=UTF-8", "message", "patch", put=mail, ok=tuple(range(256)))
        fields = dict(_FIELD.findall(reply.out))
        if reply.status or not fields.get(b"Subject"):
            raise _DoesNotApplyError(f"cannot be read: {_reason(reply)}")
        arguments = ("apply", "--cached", "--3way", "--whitespace=nowarn", "patch")
        reply = self.git(*arguments, ok=tuple(range(256)))
        if reply.status:
            raise _DoesNotApplyError(f'"{harmless_line(_text(fields[b"Subject"]))[:60]}": {_reason(reply)}')
        tree = self.git("write-tree").text
        body = (self.folder / "message").read_bytes()
        message = b"\n\n".join(filter(None, (fields[b"Subject"], body.strip(b"\n"))))
        content = _commit(tree, parent, fields, _with_trailers(message, trailers))
        return self.mirror.repository.write_commit(content)


def _commit(tree: str, parent: str, fields: dict[bytes, bytes], message: bytes) -> bytes:
    """The content of a commit object, see https://git-scm.com/docs/git-commit-tree."""
    name, address = (re.sub(rb"[<>\x00-\x1f]", b"", fields.get(key, b"")).strip() for key in (b"Author", b"Email"))
    person = b"%b <%b> %b" % (name or b"unknown", address, _moment(_text(fields.get(b"Date", b""))))
    lines = (b"tree " + tree.encode(), b"parent " + parent.encode(), b"author " + person, b"committer " + person)
    return b"\n".join(lines) + b"\n\n" + message.replace(b"\0", b"") + b"\n"


def _moment(date: str) -> bytes:
    try:
        moment = int(parsedate_to_datetime(date).timestamp())
    except (ValueError, TypeError, OverflowError):
        moment = 0
    return b"%d +0000" % (moment if 0 <= moment < _LAST_MOMENT else 0)


def _with_trailers(message: bytes, trailers: tuple[str, ...]) -> bytes:
    """The message with the trailers that it lacks, in a paragraph with those that it has."""
    new = [line for each in trailers if (line := each.encode("utf-8", "replace")) not in message.split(b"\n")]
    last = message.rsplit(b"\n", 1)[-1]
    between = b"\n" if re.match(rb"[A-Z][\w-]+-by: ", last) else b"\n\n"
    return message + (between + b"\n".join(new) if new else b"")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _reason(reply: GitReply) -> str:
    """Where a patch conflicts, or else git's first complaint, as one harmless line."""
    lines = reply.err.splitlines()
    if conflicts := [line.removeprefix("U ") for line in lines if line.startswith("U ")]:
        return harmless_line(f"it conflicts in {', '.join(conflicts[:3])}")[:200]
    errors = [line for line in lines if line.startswith(("error:", "fatal:")) and _NO_THREE_WAY not in line]
    text = errors[0] if errors else reply.last_words
    return harmless_line(re.sub(r"^(error|fatal): ", "", text))[:200] or "git does not say why"

"""Read the files that a probe left in its container, from archives that the daemon makes."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import BAD_REQUEST, NOT_FOUND
from tarfile import BLOCKSIZE, TarError
from typing import TYPE_CHECKING

from docker import APIClient
from requests.exceptions import ChunkedEncodingError

from sessions.engines.bounds import Bounds, Quota
from sessions.engines.docker.archives import plain_files
from sessions.source.globs import fixed_folder, matcher
from sessions.terminal.errors import InfrastructureError

if TYPE_CHECKING:
    from requests import Response

# A link's bit in Go's `fs.FileMode`.
_GOES_LINK = 1 << 27
_CHUNK = 2**20
# The archive of nothing.
_END = bytes(2 * BLOCKSIZE)
# An engine under load may break off an archive.
_TRIES = 3


@dataclass(frozen=True)
class ContainerFiles:
    """The files of the container with the id ``container``, whose source lies in the folder ``source``."""

    api: APIClient
    container: str
    source: str
    results_path: str
    bounds: Bounds

    def results(self) -> bytes | None:
        """Return what the commands wrote to ``$INTEGRAND_self.results_path``. Raises :class:`ExceededError`."""
        return self._take(self.results_path, {"results": ""}.get, self.bounds.results_quota).get("")

    def files(self, globs: tuple[str, ...], quota: Quota) -> dict[str, bytes]:
        """Return the plain files of the source that match ``globs``, by path. Raises :class:`ExceededError`."""
        found: dict[str, bytes] = {}
        is_named = matcher(globs)
        for folder in sorted({fixed_folder(glob) for glob in globs}):

            def choose(name: str, folder: str = folder) -> str | None:
                # The archive's top folder is the last folder of the requested path.
                path = f"{folder}/{name.partition('/')[2]}".lstrip("/")
                return path if "/" in name and is_named(path) else None

            found |= self._take(f"{self.source}/{folder}".rstrip("/"), choose, quota)
        quota.check(len(found), sum(map(len, found.values())))
        return dict(sorted(found.items()))

    def _take(self, path: str, choose: Callable[[str], str | None], quota: Quota) -> dict[str, bytes]:
        """Return the plain files at ``path``; ``choose`` maps a name in Docker's archive to a key, or to ``None``.

        Raises :class:`InfrastructureError` if the archive never comes complete, and :class:`ExceededError`.
        """
        for _ in range(_TRIES):
            with suppress(TarError, ChunkedEncodingError), self._archive(path) as (chunks, mode):
                if mode & _GOES_LINK:  # podman would pack the link's target
                    return {}
                return plain_files(chunks, choose, self.bounds, quota)
        raise InfrastructureError("The engine broke off an archive of a probe's files three times: run again.")

    @contextmanager
    def _archive(self, path: str) -> Iterator[tuple[Iterable[bytes], int]]:
        """Yield the chunks of an archive of ``path``, none if there is no such path, and its ``fs.FileMode``.

        docker-py leaves the connection open if an archive is not read to its end. The daemon then continues to write
        it, and the container cannot be removed.
        """
        api = self.api
        address = f"{api.base_url}/v{api.api_version}/containers/{self.container}/archive"
        with api.get(address, params={"path": path}, stream=True, timeout=api.timeout) as response:
            if response.status_code == NOT_FOUND or (response.status_code >= BAD_REQUEST and _is_no_path(response)):
                yield [_END], 0
                return
            response.raise_for_status()
            about = json.loads(b64decode(response.headers.get("X-Docker-Container-Path-Stat", "") or "e30="))
            yield response.iter_content(_CHUNK), int(about.get("mode", 0))


def _is_no_path(response: Response) -> bool:
    """Whether the daemon says that a path does not exist, because of a loop of links or a file instead of a folder."""
    return re.search("too many (levels of symbolic )?links|not a directory", response.text, re.IGNORECASE) is not None

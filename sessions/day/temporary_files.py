"""One folder for all temporary files of a session: after a kill, the next session with that state folder deletes it.

These files may hold what must not stay on a disk, such as the login of a registry, or the part of the user's git
configuration that has tokens. They lie outside the state folder, which CI jobs upload.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def collect_temporary_files(state: Path) -> Iterator[None]:
    """Have :mod:`tempfile` use one folder for ``state`` while the block runs, empty at first and deleted at the end.

    Only the process that holds the state folder may call this. Where somebody else has a folder of that name,
    :mod:`tempfile` works as ever.
    """
    name = hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"integrand-{name}"
    if not _made_anew(folder):
        yield
        return
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


def _made_anew(folder: Path) -> bool:
    """Delete what a killed session left, and make the folder, for this user alone; return whether it is made."""
    with suppress(OSError):
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
            return False
        shutil.rmtree(folder)
    try:
        folder.mkdir(mode=0o700)
    except OSError:
        return False
    return True

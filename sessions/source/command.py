"""Call git with an explicit git folder, a fixed environment and without the user's configuration.

The same objects must give the same answer on any machine, also if Integrand is called from a git hook or alias, so
git sees no ``GIT_*`` variable but ours. Commands that go online also get the user's credentials, see
:mod:`sessions.source.access`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sessions.source.access import lend_access
from sessions.source.git_start import starting_git
from sessions.terminal.errors import SourceError

OLDEST = (2, 38)  # the first with `git merge-tree --write-tree`


def configured(**values: str) -> dict[str, str]:
    """Return the environment that sets these configuration values for git; ``__`` in a name stands for a dot.

    >>> configured(core__eol="lf")
    {'GIT_CONFIG_COUNT': '1', 'GIT_CONFIG_KEY_0': 'core.eol', 'GIT_CONFIG_VALUE_0': 'lf'}
    """
    environment = {"GIT_CONFIG_COUNT": str(len(values))}
    for place, (name, value) in enumerate(values.items()):
        environment |= {f"GIT_CONFIG_KEY_{place}": name.replace("__", "."), f"GIT_CONFIG_VALUE_{place}": value}
    return environment


# The user's variables that offline commands see: where programs and temporary files are.
_LENT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH")
# Without HOME and XDG_CONFIG_HOME, git finds no attributes and no ignore file of the user either.
_FIXED = {
    "LC_ALL": "C",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    # Git LFS installs hooks wherever it runs.
    **configured(core__hooksPath=os.devnull),
}
# git ignores attributes that it cannot read, with such a warning.
_HARMLESS = re.compile(r"warning:|hint:|.* (not allowed|is not a valid attribute name): .*:\d+$")


@dataclass(frozen=True)
class GitReply:
    """What one git command answered."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """The output without its last line break; bytes that are not UTF-8 survive as surrogates."""
        return self.out.decode("utf-8", "surrogateescape").rstrip("\n")

    def lines(self) -> list[str]:
        """Split the output at line feeds only: a ref name may hold U+2028, where `str.splitlines` splits too."""
        return self.text.split("\n") if self.text else []

    @property
    def complains(self) -> bool:
        """Whether standard error has more than warnings and hints."""
        return any(line and not _HARMLESS.match(line) for line in self.err.splitlines())

    @property
    def last_words(self) -> str:
        """The last line of standard error that is not a hint."""
        lines = [line for line in self.err.strip().splitlines() if not line.startswith("hint:")]
        return lines[-1].strip() if lines else ""

    def fields(self) -> list[str]:
        """Return the NUL-separated fields of the output."""
        return self.out.decode("utf-8", "surrogateescape").split("\0")[:-1]


def call_git(
    *arguments: str,
    git_dir: Path | None,
    put: bytes = b"",
    env: Mapping[str, str] | None = None,
    online: bool = False,
    cwd: Path | None = None,
    patience: float | None = None,
) -> GitReply:
    """Run one git command in the repository ``git_dir`` (or outside of any), with ``put`` on its standard input.

    After ``patience`` seconds it is killed, and its status is 124, as with `timeout`.

    Raises :class:`SourceError` if git cannot be started, or if an ``online`` command cannot read the user's
    configuration.
    """
    with tempfile.TemporaryFile() as stream, lend_access(online=online) as access:
        stream.write(put)
        stream.seek(0)
        environment = _environment() | access | dict(env or {})
        command, folder = _command(arguments, git_dir), cwd or git_dir
        try:
            with starting_git():
                done = subprocess.run(
                    command,
                    stdin=stream,
                    capture_output=True,
                    check=False,
                    cwd=folder,
                    env=environment,
                    timeout=patience,
                )
        except subprocess.TimeoutExpired:
            return GitReply(124, b"", f"fatal: no answer within {patience:.0f} seconds")
    return GitReply(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


def start_git(
    *arguments: str,
    git_dir: Path,
    before: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a git command that answers many requests. ``before`` is put before ``git``, for example ``stdbuf -o0``.

    The caller must end it with :func:`end_process`.
    """
    pipe = subprocess.PIPE
    command = [*before, *_command(arguments, git_dir)]
    environment = _environment() | dict(env or {})
    with starting_git():
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd or git_dir, env=environment)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, if it still runs, and close its streams."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):  # from output that could not be written any more
                stream.close()


@functools.cache
def git_version() -> tuple[int, int]:
    """Return the first two parts of git's version. Raises :class:`SourceError` if git is too old or missing."""
    text = call_git("version", git_dir=None).text
    found = re.search(r"(\d+)\.(\d+)", text)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < OLDEST:
        raise SourceError(f"{text} is too old to merge in memory: install 2.38 or newer.")
    return version


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _LENT if name in os.environ} | _FIXED


def _command(arguments: Sequence[str], git_dir: Path | None) -> list[str]:
    # With --git-dir, git checks neither `safe.directory` nor `safe.bareRepository`: the repository is ours.
    # Without a repository, git must not search for one, because it would read that one's configuration.
    named = git_dir.resolve() if git_dir else Path(os.devnull, "none")
    return ["git", "--git-dir", str(named), *arguments]

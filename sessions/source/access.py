"""Pass the user's credentials to git commands that go online: environment variables and configuration keys.

All other keys of the user's configuration (drivers, filters, hooks, rename limits, aliases) would change what git
does, so they are not passed on.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sessions.source.git_start import starting_git
from sessions.terminal.errors import SourceError

# Credential helpers, ssh and curl read variables that we cannot list, so all variables but git's own are passed on.
_GIT = re.compile(r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|PROXY_COMMAND|SSL_\w+|PROXY_SSL_\w+|HTTP_\w+)")
# Where the user's configuration is. The second kind may come broken from our caller, and is then left out.
_PLACES = re.compile(r"GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)")
_LOOSE = re.compile(r"GIT_CONFIG_(PARAMETERS|COUNT|KEY_\d+|VALUE_\d+)")
# `safe.directory` is for a project's repository on this disk, which git reads in another process.
_KEYS = re.compile(
    r"(credential|http|url|protocol)\..*|core\.(sshcommand|askpass|gitproxy)|ssh\.variant|safe\.directory"
    r"|lfs\.(.*\.)?(access|locksverify|.*timeout)|lfs\.customtransfer\..*",
    re.DOTALL,
)


@contextmanager
def lend_access(*, online: bool) -> Iterator[dict[str, str]]:
    """Yield the variables that an online command needs in addition; none for any other command.

    Raises :class:`SourceError` if the user's configuration cannot be read.
    """
    if not online:
        yield {}
        return
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or _GIT.fullmatch(name)}
    with tempfile.NamedTemporaryFile(prefix="integrand-", suffix=".gitconfig") as file:
        file.write(_as_file(_entries()))
        file.flush()
        yield own | {"LC_ALL": "C", "GIT_CONFIG_GLOBAL": file.name}


def read_identity() -> str:
    """Return who works here, as ``Name <address>``, as git knows it; empty if it does not."""
    done = _list_configuration(_PLACES.pattern)
    rows = (row.partition("\n") for row in done.stdout.decode("utf-8", "replace").split("\0"))
    known = {key: value for key, _, value in rows}
    name = os.environ.get("GIT_AUTHOR_NAME", known.get("user.name", ""))
    address = os.environ.get("GIT_AUTHOR_EMAIL", known.get("user.email", ""))
    return f"{name} <{address}>" if name else ""


def _entries() -> list[tuple[str, str]]:
    """Return the configuration keys to pass on and their values, in the order in which git reads them."""
    done = _list_configuration(f"{_PLACES.pattern}|{_LOOSE.pattern}")
    if done.returncode:
        done = _list_configuration(_PLACES.pattern)
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"status {done.returncode}"]
        raise SourceError(f"git cannot read your configuration: {why[-1]}. Correct that file.")
    rows = done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    split = (row.partition("\n") for row in rows)
    return [(key, value if equals else "true") for key, equals, value in split if _KEYS.fullmatch(key)]


def _list_configuration(names: str) -> subprocess.CompletedProcess[bytes]:
    chosen = re.compile(names)
    own = {name: text for name, text in os.environ.items() if not name.startswith("GIT_") or chosen.fullmatch(name)}
    # In a folder outside of any repository, whose configuration would be read too.
    with tempfile.TemporaryDirectory() as nowhere:
        environment = own | {"LC_ALL": "C", "GIT_DIR": str(Path(nowhere) / "none")}
        command = ["git", "config", "--list", "-z"]
        with starting_git():
            return subprocess.run(command, cwd=nowhere, env=environment, capture_output=True, check=False)


def _as_file(entries: Iterable[tuple[str, str]]) -> bytes:
    r"""Write the entries in git's syntax, see https://git-scm.com/docs/git-config#_syntax.

    >>> _as_file([("url.a\"b.insteadof", "c\\d\ne")])
    b'[url "a\\"b"]\n\tinsteadof = "c\\\\d\\ne"\n'
    """
    text = ""
    for key, value in entries:
        section, _, rest = key.partition(".")
        inside, _, name = rest.rpartition(".")
        head = f'[{section} "{_escape(inside, {})}"]' if "." in rest else f"[{section}]"
        text += f'{head}\n\t{name} = "{_escape(value, _CONTROLS)}"\n'
    return text.encode("utf-8", "surrogateescape")


_CONTROLS: Mapping[str, str] = {"\n": "\\n", "\t": "\\t", "\b": "\\b"}


def _escape(text: str, more: Mapping[str, str]) -> str:
    return "".join({"\\": "\\\\", '"': '\\"', **more}.get(letter, letter) for letter in text)

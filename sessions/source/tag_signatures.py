"""Who signed a tag of another repository: git verifies it, against keys that the configuration names and no others."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from sessions.source.command import GitReply
from sessions.source.fetching import Fetcher
from sessions.source.mirror import Mirror
from sessions.terminal.errors import SourceError
from sessions.terminal.harmless_text import harmless_line

_ARMOUR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_PATIENCE = 60.0


def tag_signature_fault(mirror: Mirror, repository: str, ref: str, signers: Path) -> str:
    """Return why a tag counts as unsigned, as a clause; nothing where one of the ``signers`` signed it.

    ``signers`` is a file of OpenPGP public keys (``gpg --export --armor``), or of SSH keys that may sign, in the form
    of "ALLOWED SIGNERS" in ssh-keygen(1). Keys of the user are not asked.

    Raises :class:`SourceError` where the file cannot be read, or the repository does not answer.
    """
    listed = mirror.list_refs(repository)
    if ref not in listed or f"{ref}^{{}}" not in listed:
        return f"{ref} is no signed tag"
    local = f"refs/integrand/signed/{hashlib.sha256(f'{repository} {ref}'.encode()).hexdigest()[:16]}"
    Fetcher(repository=mirror.repository, url=repository or mirror.url, remote=listed).fetch({local: ref})
    try:
        keys = signers.read_bytes()
    except OSError as error:
        raise SourceError(f"The keys in {signers} cannot be read: {error.strerror}.") from None
    reply = _verify_pgp(mirror, local, signers) if _ARMOUR in keys else _verify_ssh(mirror, local, signers)
    if not reply.status:
        return ""
    reason = harmless_line(reply.last_words.removeprefix("error: "))[:200] or "it has no signature"
    return f"nobody in {signers.name} signed {ref.removeprefix('refs/tags/')} ({reason})"


def _verify_ssh(mirror: Mirror, ref: str, signers: Path) -> GitReply:
    command = ("-c", f"gpg.ssh.allowedSignersFile={signers.resolve()}", "verify-tag", ref)
    return mirror.repository.git(*command, ok=tuple(range(256)), may_complain=True)


def _verify_pgp(mirror: Mirror, ref: str, signers: Path) -> GitReply:
    if not (gpg := shutil.which("gpg")):
        raise SourceError("The signature of a tag cannot be checked: install gpg.")
    with tempfile.TemporaryDirectory(prefix="integrand-") as home:
        command = [gpg, "--homedir", home, "--batch", "--quiet", "--no-autostart", "--import", str(signers)]
        done = subprocess.run(command, capture_output=True, check=False, timeout=_PATIENCE)
        if done.returncode:
            raise SourceError(f"gpg cannot read the keys in {signers}.")
        environment = {"GNUPGHOME": home}
        return mirror.repository.git("verify-tag", ref, ok=tuple(range(256)), may_complain=True, env=environment)

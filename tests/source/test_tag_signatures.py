"""Tags of other repositories, signed with SSH and OpenPGP keys by git, gpg and ssh-keygen themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sessions.settings.ticket_settings import Tracker
from sessions.source.mirror import Mirror
from sessions.source.tag_signatures import tag_signature_fault
from sessions.terminal.errors import SourceError
from sessions.tickets.trackers.branches.tracker import BranchList
from sessions.tickets.trackers.kind import Surroundings
from tests.repositories import Builder, run_git


@dataclass
class Signer:
    """Somebody with a key: the words for git that sign with it, and the file that allows it."""

    words: tuple[str, ...]
    gpg_home: Path
    signers: Path

    def tag(self, builder: Builder, name: str, commit: str) -> None:
        home = str(self.gpg_home)
        run_git(*self.words, "tag", "-f", "-s", "-m", name, name, commit, cwd=builder.path, GNUPGHOME=home)


Signers = tuple[Signer, Signer]


def ssh_signer(folder: Path, name: str) -> Signer:
    key = folder / f"{name}-key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
    signers = folder / f"{name}.signers"
    signers.write_text(f"{name}@example.org {key.with_suffix('.pub').read_text()}")
    return Signer(("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}"), folder, signers)


def pgp_signer(folder: Path, name: str) -> Signer:
    home = folder / f"{name}-gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    address = f"{name}@example.org"
    subprocess.run([*gpg, "--quick-generate-key", address, "ed25519", "sign", "never"], check=True, capture_output=True)
    signers = folder / f"{name}.asc"
    signers.write_bytes(subprocess.run([*gpg, "--export", "--armor"], check=True, capture_output=True).stdout)
    return Signer(("-c", f"user.signingKey={address}"), home, signers)


@pytest.fixture(params=["ssh-keygen", "gpg"])
def signers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Signer, Signer]]:
    """Jane, who may sign, and Mallory. Their folder has a short name: gpg's sockets lie in it."""
    if not shutil.which(request.param) and os.environ.get("CI") != "true":
        pytest.skip(f"there is no {request.param}")
    make = ssh_signer if request.param == "ssh-keygen" else pgp_signer
    folder = tmp_path_factory.mktemp("k")
    yield make(folder, "jane"), make(folder, "mallory")
    for home in folder.glob("*-gpg"):
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, capture_output=True)


def test_only_the_named_keys_sign(signers: Signers, builder: Builder, tmp_path: Path) -> None:
    jane, mallory = signers
    builder.commit({"a": "1"})
    builder.tag("1.0")
    other = builder.copy(tmp_path / "other.git")
    tip = other.commit({"b": "1"}, branch="b")
    jane.tag(other, "for-upstream", tip)
    mallory.tag(other, "forged", tip)
    other.tag("unsigned", tip)
    other.tag("light", tip, annotated=False)
    content = run_git("cat-file", "tag", "for-upstream", cwd=other.path).replace("for-upstream", "for-upstreax")
    altered = run_git("hash-object", "-t", "tag", "-w", "--stdin", cwd=other.path, put=content.encode() + b"\n")
    run_git("update-ref", "refs/tags/altered", altered, cwd=other.path)

    mirror = Mirror.of(builder.url, tmp_path / "state")
    faults = {
        name: tag_signature_fault(mirror, other.url, f"refs/tags/{name}", jane.signers)
        for name in ("for-upstream", "forged", "unsigned", "light", "altered", "missing")
    }
    assert faults["for-upstream"] == ""
    for name in ("forged", "unsigned", "altered"):
        assert faults[name].startswith(f"nobody in {jane.signers.name} signed {name} (")
    assert (faults["light"], faults["missing"]) == (
        "refs/tags/light is no signed tag",
        "refs/tags/missing is no signed tag",
    )
    assert tag_signature_fault(mirror, other.url, "refs/tags/forged", mallory.signers) == ""
    with pytest.raises(SourceError, match=r"nowhere cannot be read"):
        tag_signature_fault(mirror, other.url, "refs/tags/forged", tmp_path / "nowhere")


def test_a_signed_tag_is_an_entry_of_a_list(signers: Signers, builder: Builder, tmp_path: Path) -> None:
    jane, mallory = signers
    builder.commit({"a": "1"})
    builder.tag("1.0")
    other = builder.copy(tmp_path / "other.git")
    tip = other.commit({"b": "1"}, branch="b")
    jane.tag(other, "for-upstream", tip)
    mallory.tag(other, "forged", tip)
    shutil.copy(jane.signers, tmp_path / "keys")
    path = tmp_path / "branches.toml"
    path.write_text(
        "".join(
            f'[[branch]]\nname = "{name}"\nremote = "other.git"\nbranch = "refs/tags/{name}"\nsigners = "{keys}"\n'
            for name, keys in (("for-upstream", "keys"), ("forged", "keys"), ("forged", "nowhere"))
        ).replace('name = "forged"', 'name = "again"', 1)
    )
    mirror = Mirror.of(builder.url, tmp_path / "state")
    surroundings = Surroundings(
        list_refs=mirror.list_refs,
        check_tag=lambda repository, ref, keys: tag_signature_fault(mirror, repository, ref, keys),
    )
    signed, forged, unknown = BranchList(Tracker(tracker="branches", url=str(path)), surroundings).read()
    assert (signed.commit, signed.held) == (tip, "")
    assert forged.held.startswith("nobody in keys signed forged (")
    assert unknown.held.startswith("who signed it cannot be known: The keys in ")
    fetched = mirror.fetch_branches({1: signed.branch}, {1: signed.repository})
    assert fetched.tips == {1: tip}

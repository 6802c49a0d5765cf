"""What an online command of git sees of the user: what lets them in at a remote, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.source.access import _as_file, lend_access
from sessions.source.command import call_git
from sessions.source.mirror import Mirror
from sessions.terminal.errors import SourceError
from tests.repositories import Builder

CONFIG = """
[credential "https://example.org"]
	helper = "!f() { echo password=$MY_SECRET; }; f"
[http "https://example.org/"]
	extraHeader = AUTHORIZATION: basic "x" \\\\ y
	sslCAInfo = /etc/own.pem
[http]
	proxy
[url "https://mirror.example.org/"]
	insteadOf = gh:
[core]
	sshCommand = ssh -i key
	hooksPath = /hooks
	autocrlf = true
[merge]
	renames = false
[filter "x"]
	smudge = false
[include]
	path = more
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    (home / ".gitconfig").write_text(CONFIG)
    (home / "more").write_text("[safe]\n\tdirectory = /srv/x\n[core]\n\tfsmonitor = true\n")
    return home


def listed() -> dict[str, str]:
    rows = call_git("config", "--list", "-z", git_dir=None, online=True).fields()
    return dict(row.partition("\n")[::2] for row in rows)


@pytest.mark.usefixtures("user")
def test_only_keys_of_access_pass_and_keep_their_values() -> None:
    assert listed() == {
        "credential.https://example.org.helper": "!f() { echo password=$MY_SECRET; }; f",
        "http.https://example.org/.extraheader": 'AUTHORIZATION: basic "x" \\ y'.replace('"', ""),
        "http.https://example.org/.sslcainfo": "/etc/own.pem",
        "http.proxy": "true",
        "url.https://mirror.example.org/.insteadof": "gh:",
        "core.sshcommand": "ssh -i key",
        "safe.directory": "/srv/x",
        "core.hookspath": "/dev/null",
    }


@pytest.mark.usefixtures("user")
def test_what_is_not_online_sees_nothing_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "http.proxy")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "http://127.0.0.1:1")
    assert listed()["http.proxy"] == "http://127.0.0.1:1"
    assert call_git("config", "--list", git_dir=None).lines() == ["core.hookspath=/dev/null"]


def test_a_password_of_a_helper_is_asked_for_with_the_users_variables(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del user
    monkeypatch.setenv("MY_SECRET", "s3cret")
    asked = b"protocol=https\nhost=example.org\nusername=jane\n\n"
    reply = call_git("credential", "fill", git_dir=None, put=asked, online=True)
    assert "password=s3cret" in reply.lines()


def test_an_address_may_be_short_for_another(builder: Builder, user: Path) -> None:
    builder.commit({"a": "1\n"})
    builder.tag("1.0")
    (user / ".gitconfig").write_text(f'[url "{builder.path.parent}/"]\n\tinsteadOf = ours:\n')
    assert Mirror.of("ours:project.git", user / "state").release("latest").tag == "1.0"


def test_a_configuration_that_git_cannot_read_is_a_sentence(builder: Builder, user: Path) -> None:
    (user / ".gitconfig").write_text("[core\n")
    with pytest.raises(SourceError, match=r"^git cannot read your configuration: fatal: bad config line 1 .*gitconfig"):
        Mirror.of(builder.url, user / "state")


def test_the_secrets_in_it_are_for_the_user_alone_and_go_with_the_command() -> None:
    with lend_access(online=True) as environment:
        place = Path(environment["GIT_CONFIG_GLOBAL"])
        assert not place.stat().st_mode & 0o077
    assert not place.exists()


@settings(max_examples=min(60, settings().max_examples))
@given(
    section=st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), max_size=9),
    value=st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=12),
)
def test_any_value_survives(tmp_path_factory: pytest.TempPathFactory, section: str, value: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.gitconfig"
    file.write_bytes(_as_file([(f"url.{section}.insteadof", value)]))
    words = [shutil.which("git") or "git", "config", "--file", str(file), "--list", "-z"]
    done = subprocess.run(words, capture_output=True, check=True)
    assert done.stdout.decode() == f"url.{section}.insteadof\n{value}\0"


def test_git_that_is_missing_or_too_old_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sessions.source.command import git_version

    git_version.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match=r"^git is not installed: install 2\.38 or newer\.$"):
        Mirror.of("x", tmp_path / "state")
    (tmp_path / "git").write_text("#!/bin/sh\necho git version 2.37.9\n")
    (tmp_path / "git").chmod(0o755)
    with pytest.raises(SourceError, match=r"^git version 2\.37\.9 is too old to merge in memory"):
        Mirror.of("x", tmp_path / "state")
    git_version.cache_clear()

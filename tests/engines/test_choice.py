"""Which engine is chosen: `auto` never runs tickets' code in the open by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sessions.engines.choice import choose_engine
from sessions.engines.docker.daemon import connect
from sessions.engines.local.engine import LocalEngine
from sessions.terminal.errors import InfrastructureError
from tests.engines.bench import RELEASE, Bench, config

if TYPE_CHECKING:
    from pathlib import Path

    import docker

NOBODY = r"No Docker daemon answers \(.*No such file or directory.*\)"


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def no_jail(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.mark.docker
def test_where_a_daemon_answers_it_is_taken(daemon: docker.DockerClient, tmp_path: Path) -> None:
    assert daemon.ping()
    for kind, why in (("auto", "a daemon answers"), ("docker", "it was asked for")):
        engine = choose_engine(config(), kind, tmp_path)
        assert (engine.name, engine.why) == ("docker", why)
        engine.close()
    client, trouble = connect()
    assert client is not None
    assert (trouble, client.api.timeout >= 600) == ("", True)
    client.close()


@pytest.mark.usefixtures("no_docker")
def test_without_a_daemon_a_jail_on_this_machine_is_taken_and_it_is_said_why(tmp_path: Path) -> None:
    client, why = connect()
    assert client is None
    engine = choose_engine(config(), "auto", tmp_path)
    assert engine.name == "local"
    assert engine.why == f"no Docker daemon answers ({why}); bubblewrap isolates its commands"


@pytest.mark.usefixtures("no_docker")
def test_without_a_daemon_docker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match=f"^{NOBODY}: start it, or run with --engine local.$"):
        choose_engine(config(), "docker", tmp_path)


@pytest.mark.usefixtures("no_docker")
@pytest.mark.parametrize("trusted", [False, True])
def test_in_ci_nothing_takes_dockers_place_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(
        InfrastructureError, match=f"{NOBODY}, and in CI no other engine is used automatically: start it"
    ):
        choose_engine(config(), "auto", tmp_path, trusted=trusted)
    assert choose_engine(config(), "local", tmp_path).name == "local"


@pytest.mark.docker
@pytest.mark.usefixtures("daemon")
def test_where_docker_was_used_nothing_takes_its_place_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose_engine(config(), "auto", tmp_path).close()
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(InfrastructureError, match=f"{NOBODY}, and it was used with {re.escape(str(tmp_path))} before"):
        choose_engine(config(), "auto", tmp_path)
    assert choose_engine(config(), "auto", tmp_path / "other").name == "local"


@pytest.mark.usefixtures("no_docker", "no_jail")
def test_without_a_jail_the_local_engine_must_be_asked_for_and_says_so(tmp_path: Path) -> None:
    lacking = r"bubblewrap \(bwrap\) is not installed"
    with pytest.raises(InfrastructureError, match=f"{NOBODY}, and {lacking}, which would keep .* --engine local"):
        choose_engine(config(), "auto", tmp_path)
    for engine in (choose_engine(config(), "local", tmp_path), choose_engine(config(), "auto", tmp_path, trusted=True)):
        assert re.search(f"; its commands are not isolated, as {lacking}$", engine.why)


@pytest.mark.usefixtures("no_docker")
def test_a_jail_that_does_not_work_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n")
    (tools / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    with pytest.raises(InfrastructureError, match=r"does not work here: bwrap: No permissions to create new namespace"):
        choose_engine(config(), "auto", tmp_path)
    assert list((tmp_path / "local").iterdir()) == []


def test_a_jail_that_fails_later_is_our_own_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = LocalEngine(config(), tmp_path, reason="test")
    if engine.confinement.jail is None:
        pytest.skip(engine.exposure)
    image = engine.prepare(RELEASE)
    monkeypatch.setattr(
        type(engine.confinement.jail), "words", lambda *_, **__: ["sh", "-c", "echo 'bwrap: no'; exit 1"]
    )
    with pytest.raises(InfrastructureError, match=r"^Bubblewrap \(bwrap\) failed: bwrap: no\.$"):
        Bench(engine, image).run("true")

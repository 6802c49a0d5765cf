from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import tarfile
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import docker
import pytest
from docker.errors import ImageNotFound

from sessions.engines.docker.registry import (
    AbsentImageError,
    Login,
    LoginRefusedError,
    NotLoggedInError,
    Registry,
    RegistryError,
    UnreachableRegistryError,
    environments_login,
    host_of,
)
from tests.conftest import BASE
from tests.engines.bench import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.engines.registry import LocalRegistry

    Ask = Callable[[], object]

NOT_LOGGED_IN = (
    "Not logged in to {host}: type `docker login {host}`, or set REGISTRY_USER and REGISTRY_TOKEN, then run again."
)


@pytest.mark.parametrize(
    ("reference", "host"),
    [
        ("abacus:1.0", "docker.io"),
        ("me/abacus:1.0", "docker.io"),
        ("ghcr.io/me/abacus@sha256:12", "ghcr.io"),
        ("localhost/abacus", "localhost"),
        ("localhost:5000/abacus", "localhost:5000"),
        ("10.0.0.1:5000/a/b:1", "10.0.0.1:5000"),
    ],
)
def test_the_host_is_read_from_a_name_as_docker_does(reference: str, host: str) -> None:
    assert host_of(reference) == host


@pytest.mark.parametrize(
    ("engine", "host", "ours"),
    [
        ({"image": "a.example/me/x", "baseline": "b.example/me/x:1"}, "a.example", True),
        ({"image": "a.example/me/x", "baseline": "b.example/me/x:1"}, "b.example", False),
        ({"baseline": "b.example/me/x:1"}, "b.example", True),
        ({"baseline": "b.example/me/x:1"}, "b.example:443", False),
        ({"baseline": "b.example/me/x:1"}, "docker.io", False),
    ],
)
def test_the_environments_login_is_for_one_host_alone(engine: dict[str, str], host: str, ours: bool) -> None:
    login = environments_login(config(**engine), host, {"REGISTRY_USER": "me", "REGISTRY_TOKEN": "s3cr3t"})
    assert (login == Login(user="me", token="s3cr3t")) is ours
    assert "s3cr3t" not in repr(login)


@pytest.mark.parametrize(
    "half", [{"REGISTRY_USER": "me"}, {"REGISTRY_TOKEN": "x"}, {"REGISTRY_USER": "me", "REGISTRY_TOKEN": ""}]
)
def test_half_a_login_is_none(half: dict[str, str]) -> None:
    assert environments_login(config(image="a.example/me/x"), "a.example", half) is None


@pytest.fixture
def tiny(daemon: docker.DockerClient) -> Iterator[str]:
    """An image of one file, of which the daemon has no other copy."""
    name, archive = f"integrand-test-{uuid.uuid4().hex[:12]}:1", io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo("new")
        info.size = 9000
        tar.addfile(info, io.BytesIO(os.urandom(9000)))
    repository, tag = name.split(":")
    daemon.api.import_image_from_data(archive.getvalue(), repository=repository, tag=tag)
    yield name
    with contextlib.suppress(ImageNotFound):
        daemon.images.remove(name)


@pytest.fixture
def there(registry: LocalRegistry, daemon: docker.DockerClient, tiny: str) -> str:
    """The name of an image that the registry has."""
    name = f"{registry.host}/toy/there:1"
    registry.put(daemon, tiny, name)
    return name


def seen(client: docker.DockerClient, registry: LocalRegistry, password: str = "") -> Registry:
    login = Login(user=registry.user, token=password) if password else None
    return Registry(client=client, host=registry.host, login=login)


def all_asks(asked: Registry, reference: str) -> tuple[Ask, ...]:
    return asked.check_login, lambda: asked.pull(reference), lambda: asked.digest_of(reference)


@pytest.mark.docker
def test_who_is_not_logged_in_is_told_what_to_type(
    client: docker.DockerClient, registry: LocalRegistry, there: str
) -> None:
    asked = seen(client, registry)
    for ask in (*all_asks(asked, there), *all_asks(asked, f"{registry.host}/toy/absent:1")):
        with pytest.raises(NotLoggedInError) as error:
            ask()
        assert str(error.value) == NOT_LOGGED_IN.format(host=registry.host)


@pytest.mark.docker
def test_a_wrong_password_is_told_and_not_shown(
    client: docker.DockerClient, registry: LocalRegistry, there: str
) -> None:
    asked = seen(client, registry, "wr0ng")
    for ask in all_asks(asked, there):
        with pytest.raises(LoginRefusedError) as error:
            ask()
        told = str(error.value)
        assert told.startswith(f"{registry.host} refuses the login of ci")
        assert "fix it in REGISTRY_USER and REGISTRY_TOKEN" in told
        assert "\n" not in told
        assert "wr0ng" not in told


@pytest.mark.docker
def test_a_registry_that_is_down_is_told_as_such(
    client: docker.DockerClient, registry: LocalRegistry, there: str
) -> None:
    registry.stop()
    for password in (registry.password, ""):
        asked = seen(client, registry, password)
        for ask in all_asks(asked, there):
            with pytest.raises(UnreachableRegistryError, match=r"cannot be reached.*connection refused") as error:
                ask()
            assert str(error.value).startswith(registry.host)
    registry.start()
    assert seen(client, registry, registry.password).digest_of(there)


@pytest.mark.docker
def test_with_the_right_login_images_are_found_and_pulled(
    client: docker.DockerClient, registry: LocalRegistry, there: str, tiny: str
) -> None:
    asked = seen(client, registry, registry.password)
    asked.check_login()
    digest = asked.digest_of(there)
    assert digest
    for name in (there, f"{registry.host}/toy/there@{digest}"):
        assert asked.pull(name) == client.images.get(tiny).id
        client.images.remove(name)
    assert asked.digest_of(f"{registry.host}/toy/there:2") is None
    assert asked.digest_of(f"{registry.host}/toy/absent:1") is None
    with pytest.raises(AbsentImageError, match=r"has no image .*/toy/absent:1"):
        asked.pull(f"{registry.host}/toy/absent:1")


@pytest.mark.docker
def test_dockers_own_login_is_used(
    client: docker.DockerClient, registry: LocalRegistry, there: str, dockers_config: Path
) -> None:
    log_in(dockers_config, registry, registry.password)
    asked = seen(client, registry)
    asked.check_login()
    assert asked.digest_of(there)
    log_in(dockers_config, registry, "wr0ng")
    other = docker.from_env()
    with pytest.raises(
        LoginRefusedError, match=r"refuses the login of ci .*or type `docker login localhost:\d+` again"
    ):
        seen(other, registry).check_login()
    other.close()


def log_in(dockers_config: Path, registry: LocalRegistry, password: str) -> None:
    secret = base64.b64encode(f"{registry.user}:{password}".encode()).decode()
    dockers_config.write_text(json.dumps({"auths": {registry.host: {"auth": secret}}}))


@pytest.fixture
def helper(registry: LocalRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dockers_config: Path) -> Path:
    """A credential helper: a program that knows the login, which nothing else does."""
    program = tmp_path / "bin" / "docker-credential-toy"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\nread host\n"
        f'[ "$1 $host" = "get {registry.host}" ] || {{ echo "credentials not found in native keychain"; exit 1; }}\n'
        f'echo \'{{"ServerURL": "{registry.host}", "Username": "ci", "Secret": "{registry.password}"}}\'\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    dockers_config.write_text(json.dumps({"credHelpers": {registry.host: "toy"}}))
    return program


@pytest.mark.docker
@pytest.mark.usefixtures("helper")
def test_a_credential_helper_is_asked(daemon: docker.DockerClient, registry: LocalRegistry, there: str) -> None:
    assert daemon.ping()
    client = docker.from_env()
    asked = seen(client, registry)
    asked.check_login()
    assert asked.digest_of(there)
    client.close()


@pytest.mark.docker
def test_a_credential_helper_that_fails_is_told(
    daemon: docker.DockerClient, registry: LocalRegistry, there: str, helper: Path
) -> None:
    assert daemon.ping()
    helper.write_text("#!/bin/sh\necho the keychain is locked; exit 1\n")
    client = docker.from_env()
    for ask in all_asks(seen(client, registry), there):
        with pytest.raises(
            NotLoggedInError, match=r"^Docker's credential helper fails for localhost.*keychain is locked"
        ):
            ask()
    client.close()


class _TokenForAnyone(BaseHTTPRequestHandler):
    """As Docker Hub and GitHub do: a stranger gets a token too, with which `/v2/` answers, and nothing can be done."""

    def do_GET(self) -> None:
        if self.path.startswith("/token"):
            return self._answer(200, b'{"token": "anonymous"}')
        if self.headers.get("Authorization") == "Bearer anonymous":
            return self._answer(200, b"{}")
        return self._answer(401, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", f'Bearer realm="http://{self.headers["Host"]}/token",service="toy"')
        self.send_header("Docker-Distribution-API-Version", "registry/2.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.docker
def test_a_token_that_anyone_gets_is_no_login(client: docker.DockerClient) -> None:
    server = HTTPServer(("127.0.0.1", 0), _TokenForAnyone)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        host = f"localhost:{server.server_port}"
        assert client.login("", "", registry=host)["Status"] == "Login Succeeded"
        with pytest.raises(NotLoggedInError):
            Registry(client=client, host=host).check_login()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.docker
def test_an_open_registry_needs_no_login(client: docker.DockerClient, registry: LocalRegistry) -> None:
    registry.stop()
    registry.is_open = True
    registry.start()
    seen(client, registry).check_login()


@pytest.mark.docker
def test_an_error_in_the_midst_of_a_transfer_is_an_error(
    client: docker.DockerClient, registry: LocalRegistry, tiny: str
) -> None:
    name = f"{registry.host}/toy/torn:1"
    registry.put(client, tiny, name)
    client.images.get(BASE).tag(name)  # an older one of the same name is no excuse
    client.images.remove(tiny)
    largest = max((registry.folder / "store").rglob("data"), key=lambda blob: blob.stat().st_size)
    largest.write_bytes(os.urandom(largest.stat().st_size))
    try:
        with pytest.raises(RegistryError, match=r"failed for .*/toy/torn:1 \(filesystem layer verification"):
            seen(client, registry, registry.password).pull(name)
    finally:
        client.images.remove(name)

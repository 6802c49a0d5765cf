from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from docker.errors import ImageNotFound

from sessions.engines.docker.image_build import Builder, BuildKit, BuildOrder, Classic, _last_words, choose_builder
from sessions.engines.docker.registry import Login, Registry
from sessions.terminal.errors import InfrastructureError
from tests.conftest import BASE, refuse
from tests.engines.bench import write_toy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

    from tests.engines.registry import LocalRegistry

pytestmark = pytest.mark.docker

RECIPE = """
ARG BASELINE
FROM ${BASELINE} AS first
ENV COLOUR=blue
LABEL own=yes org.example.later=no
COPY --chown=1234:7 . /source
RUN echo first > /first && chmod 600 /first
WORKDIR /source/docs
USER 1234:7
CMD ["true"]
FROM first AS last
ENV COLOUR=red
"""


@pytest.fixture
def buildkit(client: docker.DockerClient) -> Builder:
    try:
        return choose_builder("buildkit", client)
    except InfrastructureError as error:
        refuse(str(error))
        raise


@pytest.fixture(params=["buildkit", "classic"])
def builder(request: pytest.FixtureRequest, client: docker.DockerClient) -> Builder:
    """Each builder in turn."""
    if request.param == "classic":
        return choose_builder("classic", client)
    found: Builder = request.getfixturevalue("buildkit")
    return found


@pytest.fixture
def order(tmp_path: Path, client: docker.DockerClient) -> Iterator[BuildOrder]:
    """The toy, to be built from a Dockerfile beside it."""
    context, dockerfile = tmp_path / "toy", tmp_path / "toy.Dockerfile"
    write_toy(context)
    dockerfile.write_text(RECIPE)
    name = f"integrand-test-{uuid.uuid4().hex[:12]}"
    yield BuildOrder(
        name=f"{name}:1",
        what="the toy's Dockerfile",
        dockerfile=dockerfile,
        context=context,
        target="first",
        arguments={"BASELINE": BASE},
        labels={"org.example.later": "yes", "org.example.odd": 'a=b, "c" d\''},
    )
    for image in client.api.images(name):
        client.images.remove(image["Id"], force=True)


def changed(order: BuildOrder, **changes: Any) -> BuildOrder:
    from dataclasses import replace

    return replace(order, **changes)


def build(builder: Builder, order: BuildOrder, registry: Registry | None = None) -> tuple[str, list[str]]:
    """An image's id, and what was warned of."""
    warned: list[str] = []
    nowhere = Registry(client=builder.client, host="docker.io")  # type: ignore[attr-defined]
    built = builder.build(order, registry or nowhere, warned.append, lambda _line: None)
    return built, warned


def content(client: docker.DockerClient, image: str) -> dict[str, tuple[object, ...]]:
    """Every file of an image: kind, rights, owner, where it points, what it holds; times of those that were copied."""
    container = client.containers.create(image)
    try:
        with tempfile.TemporaryFile() as stream:
            stream.writelines(container.export())  # type: ignore[arg-type]
            stream.seek(0)
            with tarfile.open(fileobj=stream) as archive:
                return {member.name: _described(archive, member) for member in archive}
    finally:
        container.remove()


def _described(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[object, ...]:
    body = archive.extractfile(member) if member.isfile() else None
    held = hashlib.sha256(body.read()).hexdigest() if body else ""
    time = int(member.mtime) if member.isfile() and member.name.startswith("source/") else 0
    return member.type, member.mode & 0o7777, member.uid, member.gid, member.linkname, held, time


@pytest.mark.parametrize("where", ["beside", "inside"])
def test_both_builders_make_the_same_image(
    buildkit: Builder, client: docker.DockerClient, order: BuildOrder, where: str
) -> None:
    if where == "inside":
        inside = order.context / "docker" / "Dockerfile"
        inside.parent.mkdir()
        shutil.copy2(order.dockerfile, inside)
        (order.context / ".dockerignore").write_text("# not these\nnotes\n*.log\n")
        (order.context / "big.log").write_text("big")
        order = changed(order, dockerfile=inside)
    (order.context / "unique").write_text(order.name)  # what is in a cache has the times of who first copied it
    one, _ = build(buildkit, order)
    other, _ = build(Classic(client), changed(order, name=f"{order.name}0"))
    assert one != other
    mine, theirs = content(client, one), content(client, other)
    assert mine == theirs
    assert ("source/notes/one.txt" in mine) == (where == "beside")
    assert "source/big.log" not in mine
    assert mine["source/run.sh"][1:4] == (0o755, 1234, 7)
    made = client.images.get(one).attrs["Config"]
    for key in ("Env", "User", "WorkingDir", "Cmd", "Entrypoint", "Labels"):
        assert made[key] == client.images.get(other).attrs["Config"][key], key
    assert "COLOUR=blue" in made["Env"]
    assert made["Labels"] == {"own": "yes", "org.example.later": "yes", "org.example.odd": 'a=b, "c" d\''}
    assert not [each for each in made["Env"] if "BUILDKIT" in each]


def test_a_build_that_fails_is_told_by_its_last_words(builder: Builder, order: BuildOrder) -> None:
    order.dockerfile.write_text(
        "ARG BASELINE\nFROM ${BASELINE}\nRUN echo long before\nRUN echo one; echo no such luck; exit 3\n"
    )
    with pytest.raises(
        InfrastructureError, match=r"^the toy's Dockerfile does not build: .*no such luck / .*3"
    ) as error:
        build(builder, changed(order, target=""))
    assert "\n" not in str(error.value)
    assert "long before" not in str(error.value)
    order.dockerfile.write_text("ARG BASELINE\nFROM ${BASELINE}\nRUN echo lookup example.org: no such host; exit 3\n")
    with pytest.raises(InfrastructureError, match="check the network, or run with --engine local"):
        build(builder, changed(order, target=""))


def test_a_stage_that_is_not_there_is_told(builder: Builder, order: BuildOrder) -> None:
    with pytest.raises(InfrastructureError, match=r"does not build: .*nowhere"):
        build(builder, changed(order, target="nowhere"))


def test_the_last_words_of_newer_clients_are_found() -> None:
    said = [
        "#5 [2/2] RUN make",
        "#5 0.386 compiling",
        "#6 0.400 meanwhile",
        "#5 0.412 no such luck",
        '#5 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 3',
        "------",
        " > [2/2] RUN make:",
        "0.412 no such luck",
        "------",
        "Dockerfile:2",
        "ERROR: failed to build: failed to solve: process did not complete",
    ]
    assert _last_words(said) == [
        "compiling",
        "no such luck",
        'process "/bin/sh -c make" did not complete successfully: exit code: 3',
    ]
    assert _last_words(["", "ERROR: unknown flag: --file", ""]) == ["ERROR: unknown flag: --file"]


def client_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, *, alone: bool) -> None:
    """Have another docker client come first on PATH."""
    folder.mkdir()
    (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder) if alone else f"{folder}{os.pathsep}{os.environ['PATH']}")


OTHERS = {
    "without buildx": (
        '[ "$1" = info ] && exec {real} "$@"\necho "ERROR: the buildx component is missing"; exit 1',
        "buildx component is missing",
    ),
    "elsewhere": ("echo 0000:1111", "it talks to another daemon"),
    "broken": ("exit 127", "it talks to another daemon"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_the_first_client_that_has_buildkit_here_is_taken(
    client: docker.DockerClient, buildkit: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    assert isinstance(buildkit, BuildKit)
    script, why = OTHERS[other]
    client_on_path(tmp_path / "bin", monkeypatch, script.format(real=buildkit.program), alone=False)
    assert choose_builder("auto", client) == buildkit
    client_on_path(tmp_path / "alone", monkeypatch, script.format(real=buildkit.program), alone=True)
    assert choose_builder("auto", client).name == "classic"
    with pytest.raises(InfrastructureError, match=rf"no docker client has it \(.*{why}\): install the buildx plugin"):
        choose_builder("buildkit", client)


def test_without_any_client_the_classic_api_builds(
    client: docker.DockerClient, order: BuildOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    builder = choose_builder("auto", client)
    assert builder.name == "classic"
    assert build(builder, order)[0] == client.images.get(order.name).id
    with pytest.raises(InfrastructureError, match=r"\(none is on PATH\)"):
        choose_builder("buildkit", client)


def once(order: BuildOrder, marker: str, more: str = "") -> BuildOrder:
    """A Dockerfile with a step that gives something else whenever it runs."""
    order.dockerfile.write_text(
        f"ARG BASELINE\nFROM ${{BASELINE}}\nCOPY . /source\n"
        f"RUN echo {marker} && cat /proc/sys/kernel/random/uuid > /once\n{more}"
    )
    return changed(order, target="")


def read(client: docker.DockerClient, image: str) -> str:
    return str(client.containers.run(image, ["cat", "/once"], remove=True).decode())


def forget(client: docker.DockerClient, image: str, marker: str) -> None:
    """Have the daemon know no more of what was built than one that never built it."""
    for name in client.images.get(image).tags:
        client.images.remove(name)
    with pytest.raises(ImageNotFound):
        client.images.get(image)
    records = [each["ID"] for each in client.df()["BuildCache"] if marker in each["Description"]]
    for record in records:
        client.api.prune_builds(filters={"id": record}, all=True)  # type: ignore[arg-type]
    assert not [each for each in client.df()["BuildCache"] if marker in each["Description"]]


def test_what_was_built_elsewhere_is_taken_from_the_registry(
    builder: Builder, client: docker.DockerClient, order: BuildOrder, registry: LocalRegistry
) -> None:
    marker = uuid.uuid4().hex
    cache = f"{registry.host}/toy/cached:cache"
    seen = Registry(client=client, host=registry.host, login=Login(user=registry.user, token=registry.password))
    built, _ = build(builder, once(order, marker), seen)
    first = read(client, built)
    registry.put(client, built, cache)
    forget(client, built, marker)
    again, warned = build(builder, changed(once(order, marker, "ENV MORE=more\n"), cache=cache), seen)
    assert warned == []
    assert (again != built, read(client, again)) == (True, first)
    assert cache not in [name for image in client.api.images() for name in image["RepoTags"] or ()]
    forget(client, again, marker)
    afresh, _ = build(builder, once(order, marker), seen)
    assert read(client, afresh) != first
    forget(client, afresh, marker)


def test_a_cache_that_cannot_be_read_is_a_warning(
    builder: Builder, client: docker.DockerClient, order: BuildOrder, registry: LocalRegistry
) -> None:
    cache = f"{registry.host}/toy/cached:cache"
    built, warned = build(builder, changed(order, cache=cache), Registry(client=client, host=registry.host))
    assert built == client.images.get(order.name).id
    assert len(warned) == 1
    assert warned[0].startswith(f"The cache {cache} cannot be read")


def test_a_client_that_fails_for_its_cache_builds_without_it(
    client: docker.DockerClient, buildkit: Builder, order: BuildOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(buildkit, BuildKit)
    script = (
        'case "$*" in *--cache-from*) echo "failed to configure registry cache importer: 401 Unauthorized"; exit 1;; '
        f'*) exec {buildkit.program} "$@";; esac'
    )
    client_on_path(tmp_path / "bin", monkeypatch, script, alone=False)
    fussy = choose_builder("buildkit", client)
    assert fussy != buildkit
    built, warned = build(fussy, changed(order, cache="localhost:1/toy:cache"))
    assert built == client.images.get(order.name).id
    why = "failed to configure registry cache importer: 401 Unauthorized"
    assert warned == [f"The cache localhost:1/toy:cache cannot be read ({why}): building without it."]


def test_the_login_is_lent_to_a_client_for_its_one_call(
    client: docker.DockerClient, buildkit: Builder, order: BuildOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    dockers_config: Path,
) -> None:  # fmt: skip
    assert isinstance(buildkit, BuildKit)
    dockers_config.write_text('{"credsStore": "toy", "auths": {"b.example": {}}, "HttpHeaders": {"X-Toy": "kept"}}')
    (dockers_config.parent / "contexts").mkdir()
    keep = f'cat "$DOCKER_CONFIG/config.json" > {tmp_path}/lent; ls -la "$DOCKER_CONFIG" > {tmp_path}/listed; '
    keep += f"env > {tmp_path}/environment; echo $DOCKER_CONFIG > {tmp_path}/where"
    script = f'case "$*" in *--tag*) {keep};; esac; exec {buildkit.program} "$@"'
    monkeypatch.setenv("REGISTRY_TOKEN", "s3cr3t")
    client_on_path(tmp_path / "bin", monkeypatch, script, alone=False)
    before = dockers_config.read_text()
    login = Login(user="me", token="s3cr3t")
    build(choose_builder("buildkit", client), order, Registry(client=client, host="a.example", login=login))
    import json

    lent = json.loads((tmp_path / "lent").read_text())
    assert lent["auths"] == {"b.example": {}, "a.example": {"auth": "bWU6czNjcjN0"}}
    assert lent["credHelpers"] == {"a.example": ""}
    assert (lent["credsStore"], lent["HttpHeaders"]) == ("toy", {"X-Toy": "kept"})
    listed = (tmp_path / "listed").read_text()
    assert "contexts -> " in listed
    assert "drwx------" in listed.splitlines()[1]
    assert "s3cr3t" not in (tmp_path / "environment").read_text()
    assert not os.path.exists((tmp_path / "where").read_text().strip())  # noqa: PTH110
    assert dockers_config.read_text() == before

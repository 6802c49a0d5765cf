"""The release's image: where it comes from, and what is done when it cannot come from there."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sessions.engines.docker.baseline_image import BaselineImage, images_built_here
from sessions.engines.docker.image_build import choose_builder
from sessions.engines.docker.registry import LoginRefusedError, NotLoggedInError, UnreachableRegistryError
from sessions.engines.images import ImageSource
from sessions.terminal.errors import InfrastructureError
from tests.conftest import BASE, refuse
from tests.engines.bench import config, write_toy
from tests.engines.registry import LocalRegistry, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from sessions.engines.probe import Image

pytestmark = pytest.mark.docker

RECIPE = f"""
FROM {BASE} AS with-targets
LABEL org.opencontainers.image.source=somebody-elses org.opencontainers.image.vendor=somebody
COPY . /source
RUN cat /proc/sys/kernel/random/uuid > /once
FROM with-targets AS last
RUN touch /last
"""
LAYERS = "ARG BASELINE\nFROM ${BASELINE}\nCOPY a.txt /from-the-release\nRUN echo layer > /layer\n"


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    """A registry that demands a login, and that stays."""
    if why := missing():
        refuse(why)
    made = LocalRegistry(tmp_path_factory.mktemp("registry"))
    made.start()
    yield made
    made.stop()


@dataclass
class Desk:
    """Somebody's desk: an engine, a configuration, and what was told there."""

    client: docker.DockerClient
    folder: Path
    registry: LocalRegistry
    mark: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    warned: list[str] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    exported: int = 0

    @property
    def repository(self) -> str:
        return f"{self.registry.host}/toy/{self.mark}"

    @property
    def layers(self) -> str:
        (self.folder / "layers.Dockerfile").write_text(LAYERS)
        return str(self.folder / "layers.Dockerfile")

    def where_from(self, **engine: object) -> BaselineImage:
        keys = {"baseline": f"{self.repository}:{{release}}", "builder": "classic"} | engine
        return BaselineImage(
            config=config(**keys), client=self.client, warn=self.warned.append, listen=self.built.append
        )

    def prepare(self, **engine: object) -> Image:
        release = ImageSource(tag="1.0+x", tree=f"tree-{self.mark}", export=self.export, commit="c0ffee")
        return self.where_from(**engine).prepare(release)

    def export(self, folder: Path) -> None:
        self.exported += 1
        write_toy(folder)
        (folder / "docker").mkdir()
        (folder / "docker" / "Dockerfile").write_text(RECIPE)

    def empty(self) -> None:
        """Take all of this desk's images away."""
        for image in self.mine():
            self.client.images.remove(image, force=True)

    def mine(self) -> list[str]:
        """The ids of this desk's images."""
        ours = {"label": f"io.github.integrand.tree=tree-{self.mark}"}
        return [image["Id"] for image in self.client.api.images(filters=ours)]

    def says(self, image: Image, command: str) -> str:
        told: bytes = self.client.containers.run(image.id, ["sh", "-c", command], remove=True)
        return told.decode()


@pytest.fixture
def desk(client: docker.DockerClient, standing: LocalRegistry, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(client, tmp_path, standing)
    yield made
    made.empty()


@pytest.fixture
def logged_in(standing: LocalRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_USER", standing.user)
    monkeypatch.setenv("REGISTRY_TOKEN", standing.password)


def told(error: pytest.ExceptionInfo[InfrastructureError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_without_a_name_for_the_image_it_is_told_what_to_set(desk: Desk) -> None:
    with pytest.raises(InfrastructureError, match=r"^\[engine\] baseline is empty: name the release's image"):
        desk.prepare(baseline="")


@pytest.mark.parametrize("engine", [{}, {"recipe": "docker/Dockerfile"}])
def test_who_is_not_logged_in_is_told_before_anything_is_built(desk: Desk, engine: dict[str, object]) -> None:
    with pytest.raises(NotLoggedInError) as error:
        desk.prepare(**engine)
    assert told(error) == (
        f"The image {desk.repository}:1.0-x is not here: Not logged in to {desk.registry.host}: type `docker login "
        f"{desk.registry.host}`, or set REGISTRY_USER and REGISTRY_TOKEN, then run again."
    )
    assert (desk.exported, desk.built) == (0, [])


def test_a_wrong_password_is_told_before_anything_is_built(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_USER", "ci")
    monkeypatch.setenv("REGISTRY_TOKEN", "wr0ng")
    with pytest.raises(LoginRefusedError, match=r"is not here: localhost:\d+ refuses the login of ci") as error:
        desk.prepare(recipe="docker/Dockerfile")
    assert "wr0ng" not in told(error)
    assert desk.exported == 0


@pytest.mark.parametrize("engine", [{}, {"recipe": "docker/Dockerfile"}])
def test_a_registry_that_is_down_is_no_reason_to_build(desk: Desk, engine: dict[str, object]) -> None:
    with pytest.raises(UnreachableRegistryError) as error:
        desk.prepare(baseline="localhost:1/no/such-image:1", **engine)
    assert told(error).startswith("The image localhost:1/no/such-image:1 is not here: localhost:1 cannot be reached")
    assert desk.exported == 0


@pytest.mark.usefixtures("logged_in")
def test_an_image_that_is_nowhere_is_told_with_what_to_do(desk: Desk) -> None:
    with pytest.raises(InfrastructureError) as error:
        desk.prepare()
    assert told(error) == (
        f"The image {desk.repository}:1.0-x is neither here nor at {desk.registry.host}: set [engine] recipe to have "
        "it built from the project's Dockerfile, build or load it, set [engine] baseline, or run with --engine local."
    )


@pytest.mark.usefixtures("logged_in")
def test_an_image_that_the_registry_has_is_pulled(desk: Desk) -> None:
    desk.registry.put(desk.client, BASE, f"{desk.repository}:1.0-x")
    image = desk.prepare(recipe="docker/Dockerfile")
    assert (image.id, image.name) == (desk.client.images.get(BASE).id, f"{desk.repository}:1.0-x")
    assert desk.exported == 0
    desk.client.images.remove(image.name)


def test_an_image_tells_of_which_commit_it_is(desk: Desk) -> None:
    name, revision = f"toy-{desk.mark}:main", "12" * 20
    (desk.folder / "Dockerfile").write_text(f"FROM {BASE}\nLABEL org.opencontainers.image.revision={revision}\n")
    desk.client.images.build(path=str(desk.folder), tag=name)
    assert desk.prepare(baseline=name).revision == revision
    assert desk.prepare(baseline=name, dockerfile=desk.layers).revision == revision
    assert desk.prepare(baseline=f"own-{desk.mark}:{{release}}", recipe="docker/Dockerfile").revision == ""
    desk.client.images.remove(name, force=True)


@pytest.mark.usefixtures("logged_in")
def test_an_image_that_does_not_exist_is_built_from_the_projects_recipe_once(desk: Desk) -> None:
    image = desk.prepare(recipe="docker/Dockerfile", target="with-targets")
    assert image.name == f"{desk.repository}:1.0-x"
    assert desk.says(image, "ls /; cat /source/a.txt").split()[-1] == "a"
    assert "last" not in desk.says(image, "ls /").split()
    labels = desk.client.images.get(image.id).labels
    assert labels["org.opencontainers.image.version"] == "1.0+x"
    assert labels["org.opencontainers.image.revision"] == "c0ffee"
    assert labels["org.opencontainers.image.title"] == "Toy+ 1.0+x, baseline"
    assert labels["org.opencontainers.image.created"].endswith("+00:00")
    assert labels["io.github.integrand.kind"] == "baseline"
    assert (desk.exported, bool(desk.built)) == (1, True)
    desk.built.clear()
    assert desk.prepare(recipe="docker/Dockerfile", target="with-targets") == image
    assert (desk.exported, desk.built) == (1, [])
    other = desk.prepare(recipe="docker/Dockerfile")
    assert other.id != image.id
    assert "last" in desk.says(other, "ls /").split()
    assert desk.warned == []


@pytest.mark.parametrize("recipe", ["no/such", "../outside", "/etc/passwd", "docker"])
def test_a_recipe_that_is_no_file_of_the_release_is_told(desk: Desk, recipe: str) -> None:
    with pytest.raises(InfrastructureError, match=rf"^\[engine\] recipe {recipe} is no file of 1\.0\+x"):
        desk.prepare(baseline=f"toy-{desk.mark}:1", recipe=recipe)


def test_a_recipe_that_does_not_build_is_told_by_the_name_it_has_in_the_project(desk: Desk) -> None:
    with pytest.raises(InfrastructureError, match=r"^docker/Dockerfile of 1\.0\+x does not build: .*nowhere"):
        desk.prepare(baseline=f"toy-{desk.mark}:1", recipe="docker/Dockerfile", target="nowhere")


def test_a_name_without_a_place_is_asked_of_no_registry(desk: Desk) -> None:
    image = desk.prepare(baseline=f"toy-{desk.mark}:{{release}}", recipe="docker/Dockerfile")
    assert image.name == f"toy-{desk.mark}:1.0-x"


@pytest.fixture(params=["classic", "buildkit"])
def builder(request: pytest.FixtureRequest, client: docker.DockerClient) -> str:
    """Each builder in turn."""
    try:
        return choose_builder(request.param, client).name
    except InfrastructureError as error:
        refuse(str(error))
        raise


def test_layers_are_put_on_the_image_once_and_again_when_they_change(desk: Desk, builder: str) -> None:
    engine = {"baseline": f"toy-{desk.mark}:{{release}}", "recipe": "docker/Dockerfile", "builder": builder}
    base = desk.prepare(**engine)
    image = desk.prepare(**engine, dockerfile=desk.layers)
    assert image.name.startswith("integrand/toy:1.0-x-")
    assert desk.says(image, "cat /layer /from-the-release /source/a.txt").split() == ["layer", "a", "a"]
    labels = desk.client.images.get(image.id).labels
    assert labels["io.github.integrand.base"] == base.id
    assert labels["io.github.integrand.kind"] == "layers"
    assert labels["org.opencontainers.image.base.name"] == base.name
    assert labels["org.opencontainers.image.vendor"] == ""
    assert "org.opencontainers.image.base.digest" not in labels
    desk.built.clear()
    exported = desk.exported
    for other in ("classic", builder):
        assert desk.prepare(**{**engine, "builder": other}, dockerfile=desk.layers) == image
    assert (desk.exported, desk.built) == (exported, [])
    (desk.folder / "more.Dockerfile").write_text(LAYERS + "ENV MORE=more\n")
    other_image = desk.prepare(**engine, dockerfile=str(desk.folder / "more.Dockerfile"))
    assert other_image.name != image.name
    assert desk.says(other_image, "echo $MORE") == "more\n"


@pytest.mark.usefixtures("logged_in")
def test_the_digest_of_a_base_that_was_pulled_is_in_the_labels(desk: Desk) -> None:
    digest = desk.registry.put(desk.client, BASE, f"{desk.repository}:1.0-x")
    image = desk.prepare(dockerfile=desk.layers)
    assert desk.client.images.get(image.id).labels["org.opencontainers.image.base.digest"] == digest
    desk.empty()
    desk.client.images.remove(f"{desk.repository}:1.0-x")


def test_layers_that_do_not_build_are_told_by_their_last_words(desk: Desk) -> None:
    dockerfile = desk.folder / "layers.Dockerfile"
    dockerfile.write_text("ARG BASELINE\nFROM ${BASELINE}\nRUN echo no such luck; exit 3\n")
    with pytest.raises(InfrastructureError, match=r"layers\.Dockerfile does not build: .*no such luck") as error:
        desk.prepare(baseline=BASE, dockerfile=str(dockerfile))
    assert told(error)


def test_a_dockerfile_that_is_not_there_is_told(desk: Desk) -> None:
    with pytest.raises(InfrastructureError, match=r"^\[engine\] dockerfile /gone cannot be read: No such file"):
        desk.prepare(baseline=BASE, dockerfile="/gone")


def publish(desk: Desk, where_from: BaselineImage, image: Image) -> list[str]:
    """What `--publish` does with what was built here; the names that were new."""
    built_here = images_built_here(image, where_from.config.engine.image, desk.client)
    names = [name for built in built_here for name in built.names]
    for built in built_here:
        for name in built.names:
            desk.registry.put(desk.client, built.id, name)
    return names


@pytest.mark.usefixtures("logged_in")
def test_what_somebody_built_before_is_pulled_and_not_built_again(desk: Desk, builder: str) -> None:
    engine = {"recipe": "docker/Dockerfile", "dockerfile": desk.layers, "image": desk.repository, "builder": builder}
    image = desk.prepare(**engine)
    once = desk.says(image, "cat /once")
    names = publish(desk, desk.where_from(**engine), image)
    tags = [name.removeprefix(f"{desk.repository}:") for name in names]
    assert (tags[1], tags[3]) == ("baseline-cache", "layers-cache")
    assert [tag[:-12] for tag in tags[::2]] == ["1.0-x-baseline-"] * 2
    desk.empty()
    desk.built.clear()
    exported = desk.exported
    again = desk.prepare(**engine)
    assert (again, desk.says(again, "cat /once")) == (image, once)
    assert (desk.exported, desk.built, desk.warned) == (exported, [], [])


@pytest.mark.usefixtures("logged_in")
def test_an_image_that_lies_about_what_it_was_made_of_is_not_taken(desk: Desk) -> None:
    engine = {"baseline": f"toy-{desk.mark}:{{release}}", "recipe": "docker/Dockerfile", "image": desk.repository}
    first = desk.prepare(**engine)
    (built,) = images_built_here(first, desk.repository, desk.client)
    desk.empty()
    desk.registry.put(desk.client, BASE, built.names[0])
    second = desk.prepare(**engine)
    assert second.id != desk.client.images.get(BASE).id
    assert desk.warned == [f"{built.names[0]} was not made from what its name says: it is built anew."]
    desk.client.images.remove(built.names[0])


@pytest.mark.parametrize("image", ["{host}/toy/no-login", "localhost:1/toy/down"])
def test_a_cache_that_cannot_be_read_is_a_warning(desk: Desk, builder: str, image: str) -> None:
    engine = {"recipe": "docker/Dockerfile", "image": image.format(host=desk.registry.host), "builder": builder}
    prepared = desk.prepare(baseline=f"toy-{desk.mark}:{{release}}", **engine)
    assert desk.says(prepared, "cat /once")
    (warned,) = desk.warned
    assert warned.startswith(f"Whether {engine['image']}:1.0-x-baseline-")
    assert " was built before cannot be seen, and no cache is read: " in warned
    assert ("Not logged in to" in warned) == ("no-login" in image)


@pytest.mark.usefixtures("logged_in")
def test_what_was_pulled_or_has_no_place_is_not_for_others(desk: Desk) -> None:
    assert images_built_here(desk.prepare(baseline=BASE), desk.repository, desk.client) == ()
    mine = desk.prepare(baseline=f"toy-{desk.mark}:1", recipe="docker/Dockerfile")
    assert images_built_here(mine, "", desk.client) == ()


@pytest.mark.usefixtures("logged_in")
def test_the_token_is_left_nowhere(
    desk: Desk, builder: str, dockers_config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = desk.registry.password.encode()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", None)
    engine = {"recipe": "docker/Dockerfile", "dockerfile": desk.layers, "image": desk.repository, "builder": builder}
    publish(desk, desk.where_from(**engine), desk.prepare(**engine))
    (desk.folder / "layers.Dockerfile").write_text("FROM scratch\nRUN env\n")
    with pytest.raises(InfrastructureError) as error:
        desk.prepare(**{**engine, "dockerfile": str(desk.folder / "layers.Dockerfile")})
    said = "\n".join([str(error.value), *desk.warned, *desk.built]).encode()
    assert secret not in said
    assert b"COPY" in said
    assert [path for path in scratch.rglob("*") if path.is_file()] == []
    assert not [path for path in (*tmp_path.rglob("*"), dockers_config) if path.is_file() and holds(path, secret)]
    assert desk.mine()
    for image in map(desk.client.images.get, desk.mine()):
        attributes = json.dumps([image.attrs, image.history()]).encode()
        assert secret not in attributes
        assert b"org.opencontainers.image.created" in attributes
        with tarfile.open(fileobj=io.BytesIO(b"".join(image.save()))) as archive:
            for member in archive:
                body = archive.extractfile(member) if member.isfile() else None
                assert not body or secret not in body.read(), member.name


def holds(path: Path, secret: bytes) -> bool:
    return secret in path.read_bytes()

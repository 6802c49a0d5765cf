"""Images that people can pull: on an empty engine they hold what the report says, and nothing that is secret.

A real registry that demands a login, and a second engine that has never seen anything.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.conftest import refuse
from tests.engines.registry import LocalRegistry
from tests.engines.second_daemon import second_daemon
from tests.stories.desk import DATE, Desk, Done, new_desk, shared_day, timeless, verdicts
from tests.stories.proxy import Proxy
from tests.stories.test_docker_day import assert_same_day

pytestmark = [pytest.mark.slow, pytest.mark.docker, pytest.mark.usefixtures("daemon")]
ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "sessions" / "sample" / "Dockerfile"


def configure(desk: Desk, host: str, **more: str) -> None:
    """The sample, with images that go to ``host``."""
    text = (ROOT / "integration.toml").read_text()
    lines = "".join(f"{key} = {value}\n" for key, value in more.items())
    text = text.replace("[engine]\n", f'[engine]\nimage = "{host}/abacus/integration"\n{lines}')
    text = text.replace('"sessions/sample/Dockerfile"', json.dumps(str(DOCKERFILE)))
    (desk.folder / "integration.toml").write_text(text)


def configure_small(desk: Desk, host: str) -> None:
    """The sample with its fastest gate alone, and images without what makes the manual: soon green, soon pushed."""
    configure(desk, host)
    config = desk.folder / "integration.toml"
    head, *tables = re.split(r"^(?=\[)", config.read_text(), flags=re.MULTILINE)
    text = head + "".join(each for each in tables if "[[gates]]" not in each or '"doctest"' in each)
    config.write_text(text.replace(json.dumps(str(DOCKERFILE)), '"small.Dockerfile"'))
    packages = " git python3 python3-sphinx rst2pdf "
    recipe = DOCKERFILE.read_text()
    assert packages in recipe
    (desk.folder / "small.Dockerfile").write_text(recipe.replace(packages, " python3 "))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRegistry]:
    if not shutil.which("docker-registry"):
        refuse("Debian's docker-registry is not installed")
    registry = LocalRegistry(tmp_path_factory.mktemp("registry"))
    registry.start()
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def login(registry: LocalRegistry) -> dict[str, str]:
    return {"REGISTRY_USER": registry.user, "REGISTRY_TOKEN": registry.password}


@pytest.fixture(scope="module")
def done(registry: LocalRegistry, login: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The sample's whole day, published."""
    desk = new_desk(tmp_path_factory)
    configure(desk, registry.host)
    process = desk.type("integrate", "--engine", "docker", "--publish", **login)
    assert process.returncode == 0, process.stdout + process.stderr
    return Done(desk, process, desk.record())


@pytest.fixture(scope="module")
def engine_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def elsewhere(engine_folder: Path) -> Iterator[docker.DockerClient]:
    """An engine of its own that is empty."""
    with second_daemon(engine_folder) as daemon:
        yield daemon.client


def test_in_docker_the_published_day_is_the_same(done: Done, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert_same_day(done.record, shared_day(tmp_path_factory).record)


def pulled(client: docker.DockerClient, registry: LocalRegistry, reference: str) -> str:
    repository, digest = reference.split("@")
    return str(client.images.pull(repository, tag=digest, auth_config=registry.auth).id)


def said(client: docker.DockerClient, image: str, *words: str) -> tuple[int, bytes]:
    """What a container of an image says when it is given a command, or none, and its status."""
    container = client.containers.run(image, list(words) or None, detach=True, network_mode="none")
    try:
        status = container.wait()["StatusCode"]
        return status, container.logs()
    finally:
        container.remove(force=True)


def test_the_image_pulled_elsewhere_holds_history_documents_results_and_the_record(
    done: Done, elsewhere: docker.DockerClient, registry: LocalRegistry
) -> None:
    image = pulled(elsewhere, registry, done.record["published"]["image"]["reference"])

    def look(*words: str) -> str:
        status, text = said(elsewhere, image, *words)
        assert status == 0, text
        return text.decode()

    subjects = look("git", "log", "--first-parent", "--format=%s", f"{done.record['release']}..")
    merged = [int(line.removeprefix("#").split(":")[0]) for line in reversed(subjects.splitlines())]
    assert merged == done.record["order"]
    for ticket in done.record["tickets"]:
        if ticket["verdict"] == "integrated":
            assert look("git", "show", "--format=%H", "--stat", ticket["commit"]).startswith(ticket["commit"])
    assert look("git", "rev-parse", "HEAD").strip() == done.record["head"]
    assert look("git", "status", "--porcelain") == ""  # the source is the head's; what the build makes is ignored
    inside = json.loads(look("cat", "/integrand/run.json"))
    assert inside["images"] == done.record["images"][:-1]  # all but this one
    assert timeless({**inside, "published": {}}) == timeless({**done.record, "published": {}})
    assert look("head", "-c", "5", "/sample/build/pdf/abacus.pdf") == "%PDF-"
    assert "area(1.1, 1.1)" in look("cat", "/integrand/gates/doctest.json")
    assert "Total time for all tests" in look("cat", "/integrand/gates/doctest.log")
    labels = elsewhere.images.get(image).labels
    assert labels["io.github.integrand.release"] == done.record["release"]
    assert labels["io.github.integrand.head"] == done.record["head"]
    assert labels["io.github.integrand.tickets"] == ",".join(map(str, done.record["order"]))


def test_the_image_of_a_ticket_at_fault_fails_elsewhere_as_the_report_says(
    done: Done, elsewhere: docker.DockerClient, registry: LocalRegistry
) -> None:
    broken = [(ticket["number"], broke) for ticket in done.record["tickets"] for broke in ticket["broke"]]
    assert {number for number, _ in broken} == {111, 114, 116, 117}
    for _number, broke in broken:
        pulled(elsewhere, registry, broke["image"])
        assert broke["reproduce"] == f"docker run --rm --network none {broke['image']}"
        status, text = said(elsewhere, broke["image"])
        assert status != 0
        if broke["gate"] == "doctest":
            example = broke["test"].split("[", 1)[1].removesuffix("]")
            assert example in text.decode()
        else:
            assert b"Title underline too short" in text


def test_nothing_secret_is_in_any_layer_or_label_or_on_the_desk(done: Done, registry: LocalRegistry) -> None:
    secrets = [registry.password.encode(), base64.b64encode(f"{registry.user}:{registry.password}".encode())]
    blobs = [path for path in (registry.folder / "store").rglob("data") if path.is_file()]
    assert len(blobs) > 10
    files = [path for path in done.desk.folder.rglob("*") if path.is_file()]
    for path in [*blobs, *files]:
        content = path.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        assert not any(secret in content for secret in secrets), path
    # Nor where this was made: the desk's own folder.
    configs = [path for path in blobs if path.stat().st_size < 20_000 and b"org.opencontainers" in path.read_bytes()]
    assert configs
    assert not any(os.fsencode(done.desk.folder) in path.read_bytes() for path in configs)
    assert registry.password not in done.process.stdout + done.process.stderr


def test_what_is_there_is_not_pushed_again(done: Done, registry: LocalRegistry, login: dict[str, str]) -> None:
    before = moments(registry)
    again = done.desk.type("integrate", "--engine", "docker", "--publish", **login)
    assert again.returncode == 0, again.stderr
    assert "pushed" not in again.stdout
    assert moments(registry) == before
    assert done.desk.record()["published"] == done.record["published"]


def test_an_empty_machine_goes_on_with_the_registry_and_the_repository_alone(
    done: Done, registry: LocalRegistry, login: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk = new_desk(tmp_path_factory)
    configure(desk, registry.host)
    project = str(done.desk.state / "sample" / "project.git")
    words = ("--engine", "docker", "--publish", "--repository", project)
    there = desk.type("integrate", *words, **login)
    assert there.returncode == 0, there.stderr
    assert "earlier results are taken from" in there.stdout
    assert desk.record()["timings"]["probes_run"] == 0
    here, before = timeless(desk.record()), timeless(done.record)
    assert here.pop("setup") != before.pop("setup")  # the repository is another one
    assert here == before
    third = new_desk(tmp_path_factory)
    configure(third, registry.host)
    shown = third.type("report", **login)  # not even the day was integrated here
    assert "\n111  culprit" in shown.stdout


def test_a_shell_opens_where_a_ticket_fails_and_in_the_head(done: Done, login: dict[str, str]) -> None:
    def shell(*words: str, typed: str) -> subprocess.CompletedProcess[str]:
        return done.desk.type("integrate", "--engine", "docker", "--shell", *words, typed=typed, **login)

    inside = shell("116", typed="grep -c spell abacus/egyptian.py; git log --format=%s -1; exit 3\n")
    assert "the failing command: python3 tools/doctests.py" in inside.stdout
    assert "abacus/egyptian.py\n" in inside.stdout
    assert "#116: Say Egyptian fractions aloud" in inside.stdout
    head = shell(typed="git rev-parse HEAD; cat /proc/net/dev | wc -l\n")
    assert done.record["head"] in head.stdout
    wrong = shell("101", typed="")
    assert "Ticket 101 is not known to break anything in the newest run" in wrong.stderr
    assert "--shell shows 111, 114, 116, 117." in wrong.stderr


@dataclass(frozen=True)
class Packed:
    """A day that was integrated without a token and packed, as the next machine finds it: a state folder, no mirror."""

    desk: Desk
    record: dict[str, Any]
    env: dict[str, str]

    def publish(self, **env: str) -> subprocess.CompletedProcess[str]:
        return self.desk.type("publish", "--publish", **self.env, **env)

    def change(self, **values: object) -> None:
        path = self.desk.state / "latest" / "run.json"
        path.write_text(json.dumps({**self.record, **values}))


@pytest.fixture(scope="module")
def packed(
    elsewhere: docker.DockerClient,
    engine_folder: Path,
    registry: LocalRegistry,
    login: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Packed:
    """The day of a machine that knows no login, for another one whose engine is empty."""
    assert elsewhere.ping()
    first, second = new_desk(tmp_path_factory), new_desk(tmp_path_factory)
    configure_small(first, f"{registry.host}/packed")
    process = first.type("integrate", "--engine", "docker", "--pack", "--only", "101,111")
    assert process.returncode == 0, process.stdout + process.stderr
    shutil.copytree(first.state, second.state, symlinks=True, ignore=shutil.ignore_patterns("mirrors", "sample"))
    for name in ("integration.toml", "small.Dockerfile"):
        shutil.copy2(first.folder / name, second.folder)
    return Packed(second, first.record(), {**login, "DOCKER_HOST": f"unix://{engine_folder}/docker.sock"})


def test_a_session_without_a_token_leaves_nothing_outside_and_says_which_images_there_are(
    packed: Packed, registry: LocalRegistry
) -> None:
    assert not (registry.folder / "store/docker/registry/v2/repositories/packed").exists()
    assert packed.record["published"] == {}
    assert [image["kind"] for image in packed.record["images"]] == ["release", "evidence", "head"]
    broke = packed.record["tickets"][1]["broke"]
    assert {each["image"] for each in broke} == {packed.record["images"][1]["name"]}


def test_what_is_not_as_the_record_says_is_not_published(packed: Packed, registry: LocalRegistry) -> None:
    release, evidence, head = packed.record["images"]
    packed.change(images=[release, evidence, {**head, "id": evidence["id"]}])
    assert f"; the run record names {evidence['id'][:19]}" in failed(packed.publish())
    packed.change(images=[release, evidence, {**head, "name": head["name"] + "x"}])
    assert "of the run record is not on this machine" in failed(packed.publish())
    packed.change(tree=packed.record["base"], images=[])
    assert "is not the head that the run record describes (its tree is" in failed(packed.publish())
    packed.change(order=[111], images=[])
    assert "it merges other commits than those of the integrated tickets" in failed(packed.publish())
    assert branch_of(packed.desk) == ""
    pushed = {path.name for path in (registry.folder / "store").rglob("packed/**/tags/*")}
    assert packed.record["branch"].replace("+", "-") not in pushed
    packed.change()


def test_another_machine_publishes_what_was_packed_and_runs_no_container(
    packed: Packed, elsewhere: docker.DockerClient, registry: LocalRegistry
) -> None:
    since = int(time.time())
    plan = packed.desk.type("publish", **packed.env)
    assert plan.returncode == 0, plan.stderr
    assert "not pushed without --publish: image" in plan.stdout
    assert branch_of(packed.desk) == ""
    process = packed.publish()
    assert process.returncode == 0, process.stdout + process.stderr
    record, head = packed.desk.record(), packed.record["images"][2]
    assert record["head"] in branch_of(packed.desk)
    assert pulled(elsewhere, registry, record["published"]["image"]["reference"]) == head["id"]
    [address] = {broke["image"] for broke in record["tickets"][1]["broke"]}
    assert pulled(elsewhere, registry, address) == packed.record["images"][1]["id"]
    assert verdicts(record) == {101: "integrated", 111: "culprit"}
    started = elsewhere.events(since=since, until=int(time.time()) + 1, filters={"event": "start"}, decode=True)
    assert list(started) == []
    before = moments(registry)
    again = packed.publish()
    assert again.returncode == 0, again.stderr
    assert "pushed" not in again.stdout
    assert moments(registry) == before
    assert packed.desk.record()["published"] == record["published"]


SMALL = ("--engine", "docker", "--publish", "--only", "101,111")


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return new_desk(tmp_path_factory)


def failed(process: subprocess.CompletedProcess[str]) -> str:
    """The sentence with which a call ended that could not publish."""
    assert process.returncode == 1, process.stdout + process.stderr
    assert "Traceback" not in process.stdout + process.stderr
    [line] = [line for line in process.stderr.splitlines() if line.startswith("TROUBLE ")]
    return line


def tags(registry: LocalRegistry) -> list[str]:
    """All that can be seen in a registry."""
    return sorted(path.name for path in (registry.folder / "store").rglob("_manifests/tags/*"))


def moments(registry: LocalRegistry) -> dict[str, int]:
    links = (registry.folder / "store").rglob("_manifests/**/link")
    return {str(path): path.stat().st_mtime_ns for path in links}


def branch_of(desk: Desk) -> str:
    project = desk.state / "sample" / "project.git"
    words = ["git", "-C", str(project), "for-each-ref", f"refs/heads/1.1.beta1+integration-{DATE}"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_without_login_or_with_a_wrong_one_it_is_said_before_anything_runs(
    desk: Desk, registry: LocalRegistry, login: dict[str, str]
) -> None:
    configure_small(desk, registry.host)
    stranger = desk.type("integrate", *SMALL)
    assert f"Not logged in to {registry.host}: type `docker login {registry.host}`" in failed(stranger)
    wrong = desk.type("integrate", *SMALL, **{**login, "REGISTRY_TOKEN": "wrong-s3cr3t"})
    assert f"{registry.host} refuses the login of {registry.user}" in failed(wrong)
    assert "wrong-s3cr3t" not in wrong.stdout + wrong.stderr
    assert "probe 1" not in stranger.stdout + wrong.stdout


@pytest.fixture
def private(tmp_path: Path, registry: LocalRegistry) -> Iterator[LocalRegistry]:
    """Another registry, to be mistreated, with the first one's password."""
    other = LocalRegistry(tmp_path / "registry", password=registry.password)
    other.folder.mkdir()
    (other.folder / "store").mkdir()
    yield other
    other.stop()


def finish(desk: Desk, private: LocalRegistry, login: dict[str, str]) -> dict[str, Any]:
    """The same command again, once what was wrong is mended: everything is there, and nothing ran anew."""
    process = desk.type("integrate", *SMALL, **login)
    assert process.returncode == 0, process.stdout + process.stderr
    record = desk.record()
    assert record["timings"]["probes_run"] == 0
    assert "state" in tags(private)
    return record


def test_a_registry_that_stops_midway_shows_nothing_and_the_next_call_finishes(
    desk: Desk, private: LocalRegistry, login: dict[str, str]
) -> None:
    private.start()
    with Proxy(private.port, ends_after=3_000_000) as proxy:
        configure_small(desk, f"localhost:{proxy.port}")
        said = failed(desk.type("integrate", *SMALL, **login))
        assert "nothing of it can be seen there yet" in said or "cannot be reached" in said
        assert set(tags(private)) <= {"state"}  # what is known may fit
        assert branch_of(desk) == ""
        assert desk.record()["published"] == {}
        proxy.ends_after = None
        finish(desk, private, login)
    assert verdicts(desk.record()) == {101: "integrated", 111: "culprit"}


def test_a_registry_whose_disk_is_full_shows_nothing_and_the_next_call_finishes(
    desk: Desk, private: LocalRegistry, login: dict[str, str]
) -> None:
    store = private.folder / "store"
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(store)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        refuse("needs to mount a small file system")
    try:
        private.start()
        configure_small(desk, private.host)
        said = failed(desk.type("integrate", *SMALL, **login))
        assert "Pushing the image" in said
        assert "goes on from here" in said
        assert set(tags(private)) <= {"state"}  # what is known may fit
        assert branch_of(desk) == ""
        subprocess.run(["mount", "-o", "remount,size=2g", str(store)], check=True)
        finish(desk, private, login)
    finally:
        private.stop()
        subprocess.run(["umount", str(store)], check=True)

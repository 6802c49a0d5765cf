"""Killed at any moment, the next call goes on: nothing lost, nothing doubled, nothing left behind.

CI kills a few sessions of each kind; ``INTEGRAND_KILLS=200`` kills so many, and ``INTEGRAND_KILL_SEED`` others. A
summary of where the kills landed goes to ``INTEGRAND_KILL_REPORT``, if that names a file.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.conftest import BASE, refuse
from tests.engines.registry import LocalRegistry, missing
from tests.engines.second_daemon import SecondDaemon, second_daemon
from tests.stories.ill_registry import IllRegistry
from tests.stories.kill_campaign import WORKERS, Cell, Day, Site, cells, disturbed_day, plan_kills, undisturbed_day
from tests.trackers.github_contract import UnavailableError, fetch_contract
from tests.trackers.github_fake import FakeGitHub, serving

KILLS = int(os.environ.get("INTEGRAND_KILLS", "6"))  # of all kinds together
SEED = int(os.environ.get("INTEGRAND_KILL_SEED", "14"))
# A hundred kills take an hour or more.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(max(900, 120 * KILLS))]
# At a desk, a day is killed about so often.
A_DAY = 12
TOGETHER = (("integrate", "--publish"), ("report", "--publish"))
APART = (("integrate", "--pack"), ("publish", "--publish"))


@pytest.fixture(scope="module")
def github(pytestconfig: pytest.Config) -> Iterator[FakeGitHub]:
    assert pytestconfig.cache is not None
    try:
        fake = FakeGitHub(fetch_contract(pytestconfig.cache.mkdir("octokit")))
    except UnavailableError as error:
        refuse(str(error))
        raise AssertionError from error
    with serving(fake):
        yield fake
    assert fake.problems == []


@pytest.fixture(scope="module")
def local(github: FakeGitHub, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"), "local", github)


@pytest.fixture(scope="module")
def second(daemon: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondDaemon]:
    """An engine that nobody else uses, with the base image."""
    with second_daemon(tmp_path_factory.mktemp("engine")) as made:
        made.client.images.load(b"".join(daemon.images.get(BASE).save(named=BASE)))
        yield made


@pytest.fixture(scope="module")
def on_docker(github: FakeGitHub, second: SecondDaemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if why := missing():
        refuse(why)
    folder = tmp_path_factory.mktemp("site")
    registry = LocalRegistry(folder / "registry")
    with IllRegistry(registry.port) as front:
        yield Site(folder, "docker", github, registry, front, second)
    registry.stop()


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Site:
    made: Site = request.getfixturevalue(request.param)
    return made


# CI tries each engine and each way to publish once.
ALL = [("local", TOGETHER), ("local", APART), ("on_docker", TOGETHER), ("on_docker", APART)]
KINDS = ALL if "INTEGRAND_KILLS" in os.environ else [ALL[0], ALL[3]]


def case(name: str, sessions: tuple[tuple[str, ...], ...]) -> Any:
    """A parameter of the test, with its name and its marks."""
    way = "integrate and report" if sessions is TOGETHER else "publish"
    marks = [pytest.mark.docker] if name == "on_docker" else []
    return pytest.param(name, sessions, marks=marks, id=f"{name}, published by {way}")


@pytest.mark.parametrize(("site", "sessions"), [case(*kind) for kind in KINDS], indirect=["site"])
def test_killed_at_any_moment_nothing_is_lost_doubled_or_left_behind(
    site: Site, sessions: tuple[tuple[str, ...], ...]
) -> None:
    chance = random.Random(f"{SEED} {site.engine} {sessions}")  # noqa: S311  moments, no secrets
    site.start_day()
    undisturbed = undisturbed_day(site, *sessions)
    assert {ticket["number"]: ticket["verdict"] for ticket in undisturbed.record["tickets"]} == {
        1: "integrated", 2: "culprit", 3: "conflict", 4: "blocked", 5: "ineligible",
    }  # fmt: skip
    found = site.leftovers()
    note("".join(f"  WRONG undisturbed {each}\n" for each in found))
    wanted, hits = max(KILLS // len(KINDS), 1), Counter[Cell]()
    while hits.total() < wanted:
        site.start_day(chance.choice(["auto", "classic"]))
        planned = plan_kills(cells(undisturbed), hits, min(A_DAY, wanted - hits.total()), chance)
        day = disturbed_day(site, undisturbed, planned, chance)
        killed = Counter((call.words[0], call.stage) for call in day.kills)
        hits += killed
        wrong = [*differences(undisturbed, day), *site.leftovers()]
        failed = sum(not call.killed for call in day.calls) - len(sessions)
        stages = "; ".join(f"{session}, {stage}: {count}" for (session, stage), count in killed.items())
        note(f"{site.engine} {sessions[0][1]} {failed} calls without a registry, {killed.total()} kills: {stages}")
        note("".join(f"  WRONG {each}\n" for each in wrong))
        found += wrong
        if not day.kills:
            break
    assert found == []


def differences(undisturbed: Day, day: Day) -> list[str]:
    """What a day with kills left otherwise than one without."""
    wrong = [f"record: {key}" for key, value in undisturbed.record.items() if day.record.get(key) != value]
    wrong += [f"written twice: {what} {count}" for what, count in (day.writes - undisturbed.writes).items()]
    wrong += [f"not written: {what} {count}" for what, count in (undisturbed.writes - day.writes).items()]
    wrong += [f"comment of {number}" for number, body in undisturbed.comments.items() if day.comments[number] != body]
    wrong += [f"{day.pushes} pushes of the branch"] if day.pushes != undisturbed.pushes else []
    moving = {tag for tag in day.tags if tag == "state" or tag.endswith("-cache")}
    wrong += [f"tag {tag} moved" for tag, count in day.tags.items() if count > 1 and tag not in moving]
    for what, before, after in (
        ("tag", Counter(undisturbed.tags.keys()), Counter(day.tags.keys())),
        ("file", undisturbed.files, day.files),
        ("image", undisturbed.images, day.images),
    ):
        wrong += [f"{what} lacks: {each}" for each in before - after]
        wrong += [f"{what} left: {each}" for each in after - before]
    wrong += [f"{day.results} results, not {undisturbed.results}"] if day.results != undisturbed.results else []
    most = undisturbed.probes + WORKERS * len(day.kills)
    wrong += [f"{day.probes} probes, more than {most}"] if day.probes > most else []
    return wrong


def note(line: str) -> None:
    """Add a line to the report, if one was asked for."""
    if (path := os.environ.get("INTEGRAND_KILL_REPORT")) and line:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line.rstrip("\n") + "\n")

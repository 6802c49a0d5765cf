"""The sample's tickets on the fake GitLab and the fake Forgejo: a whole day, told, told again, and the day after."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from sessions.sample.history import expectations
from sessions.sample.unpack import Sample, unpack_sample
from tests.repositories import run_git
from tests.trackers import gitea_fake, gitlab_fake
from tests.trackers.gitea_fake import HERE, FakeGitea, Pull
from tests.trackers.gitlab_fake import PROJECT_ID, FakeGitLab, Request
from tests.trackers.sample_day import PAIR_AND_TEXTS, check_day, day_options, days_tickets

pytestmark = pytest.mark.slow

DEFAULT = "develop"  # the sample's branch
# A request always names a branch: one without is one that cannot be fetched.
OTHERS = {122: "unfetchable"}
INELIGIBLE = {number for number, each in expectations().items() if each.verdict == "ineligible"} - OTHERS.keys()


def tickets_of(sample: Sample, ref: str) -> list[tuple[dict[str, str], dict[str, object], tuple[int, ...]]]:
    """Make the ref of each ticket; what both forges take, labels and milestone, and what each depends on."""
    found, numbers = [], {each.number for each in days_tickets(sample, *PAIR_AND_TEXTS)}
    for ticket in tomllib.loads(sample.tickets.read_text())["ticket"]:
        if ticket["number"] not in numbers:
            continue
        branch = f"refs/heads/{ticket.get('branch', 'none')}"
        tip = run_git("rev-parse", "--verify", "-q", branch, cwd=sample.repository, ok=(0, 1))
        if tip:
            run_git("update-ref", ref.format(number=ticket["number"]), tip, cwd=sample.repository)
        author = next(iter(ticket.get("authors", ())), "somebody")
        texts = {"title": ticket["title"], "head": ticket.get("commit") or tip, "author": author}
        more = {"number": ticket["number"], "labels": list(ticket.get("labels", ()))}
        more |= {"milestone": ticket.get("milestone") or None}
        found.append((texts, more, tuple(map(int, re.findall(r"\d+", ticket.get("depends", ""))))))
    return found


def play_on_gitlab(folder: Path, sample: Sample) -> dict[int, list[str]]:
    with gitlab_fake.serving(FakeGitLab()) as gitlab:
        for texts, more, depends in tickets_of(sample, "refs/merge-requests/{number}/head"):
            blocks = tuple((PROJECT_ID, number, "opened") for number in depends)
            gitlab.add(Request(**texts, **more, target=DEFAULT, blocks=blocks))  # type: ignore[arg-type]  # as above
        options = day_options(folder, sample, tracker="gitlab", url=gitlab.url)
        check_day(options, lambda: len(gitlab.writes), OTHERS, gitlab.found)
    assert gitlab.problems == []
    return {number: [each["body"] for each in request.notes] for number, request in gitlab.found.items()}


def play_on_forgejo(folder: Path, sample: Sample) -> dict[int, list[str]]:
    with gitea_fake.serving(FakeGitea()) as gitea:
        for texts, more, depends in tickets_of(sample, "refs/pull/{number}/head"):
            ahead = tuple((HERE, number, True, "open") for number in depends)
            gitea.add(Pull(**texts, **more, base=DEFAULT, dependencies=ahead))  # type: ignore[arg-type]  # as above
        options = day_options(folder, sample, tracker="forgejo", url=gitea.url)
        check_day(options, lambda: len(gitea.writes), OTHERS, gitea.pulls)
    assert gitea.problems == []
    return {number: [each["body"] for each in pull.comments] for number, pull in gitea.pulls.items()}


# A day takes a while: CI plays one of them, and INTEGRAND_DAYS=all both.
PLAYS = [play_on_gitlab, play_on_forgejo] if os.environ.get("INTEGRAND_DAYS") == "all" else [play_on_gitlab]


@pytest.mark.parametrize("play", PLAYS)
def test_the_day_has_the_samples_verdicts_and_is_told_once(
    play: Callable[[Path, Sample], dict[int, list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITLAB_TOKEN", gitlab_fake.TOKEN)
    monkeypatch.setenv("FORGEJO_TOKEN", gitea_fake.TOKEN)
    comments = play(tmp_path, unpack_sample(tmp_path / "sample"))
    assert {number for number, bodies in comments.items() if bodies} == comments.keys() - INELIGIBLE
    [comment] = comments[116]
    assert "nox -s reproduce -- 116" in comment
    assert not re.search(r"[#!@]\w", comment.split("```")[0].partition("-->")[2])  # no reference to another ticket

"""The sample's tickets as pull requests on the fake GitHub: a whole day, told, told again, and the day after."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessions.sample.history import expectations
from sessions.sample.unpack import unpack_sample
from sessions.settings.options import Options
from sessions.tickets.trackers.github import tracker
from tests.repositories import run_git
from tests.trackers.github_contract import Contract
from tests.trackers.github_fake import TOKEN, FakeGitHub, Pull, serving
from tests.trackers.sample_day import PAIR_AND_TEXTS, check_day, day_options, days_tickets

pytestmark = pytest.mark.slow


@pytest.fixture
def fake(contract: Contract) -> Iterator[FakeGitHub]:
    fake = FakeGitHub(contract)
    with serving(fake):
        yield fake
    assert fake.problems == []  # every request and response kept to GitHub's published contract


@pytest.fixture
def options(tmp_path: Path, fake: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> Options:
    sample = unpack_sample(tmp_path / "sample")
    numbers = [each.number for each in days_tickets(sample, *PAIR_AND_TEXTS)]
    rows = tomllib.loads(sample.tickets.read_text())["ticket"]
    for ticket in (row for row in rows if row["number"] in numbers):
        branch = f"refs/heads/{ticket.get('branch', 'none')}"
        tip = run_git("rev-parse", "--verify", "-q", branch, cwd=sample.repository, ok=(0, 1))
        if tip:
            run_git("update-ref", f"refs/pull/{ticket['number']}/head", tip, cwd=sample.repository)
        fake.add(_pull(ticket, tip))
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    monkeypatch.setattr(tracker, "PAUSE", 0.0)  # GitHub's own pace would make the test sleep
    return day_options(tmp_path, sample, tracker="github", url=fake.url)


def _pull(ticket: dict[str, Any], tip: str) -> Pull:
    return Pull(
        number=ticket["number"],
        title=ticket["title"],
        body=f"## Dependencies\n{ticket.get('depends', '')}\n",
        labels=list(ticket.get("labels", ())),
        milestone=ticket.get("milestone") or None,
        head=ticket.get("commit") or tip,
        author=next(iter(ticket.get("authors", ())), "somebody"),
    )


def test_the_day_has_the_samples_verdicts_and_is_told_once(options: Options, fake: FakeGitHub) -> None:
    # A pull request always names a branch: one without is one that cannot be fetched.
    check_day(options, lambda: len(fake.writes), {122: "unfetchable"}, fake.pulls)
    told = {number for number, pull in fake.pulls.items() if pull.comments}
    ineligible = {number for number, each in expectations().items() if each.verdict == "ineligible"}
    assert told == (fake.pulls.keys() - ineligible) | {122}
    assert all(len(pull.comments) <= 1 for pull in fake.pulls.values())
    assert "nox -s reproduce -- 116" in fake.pulls[116].comments[0]["body"]

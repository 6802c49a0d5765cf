"""The daily workflow, run by act on the sample: the day that a desk has, in five jobs; what pauses, what breaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stories.desk import DATE, Done, shared_day, timeless
from tests.workflows.act import Run, finish, repository, start

pytestmark = pytest.mark.slow

CALLER = """
on: workflow_dispatch
jobs:
  day:
    uses: ./.github/workflows/integrate.yml
    with: {{engine: local, date: "{date}", {more}}}
"""


@dataclass(frozen=True)
class Both:
    """The same day in jobs and at a desk."""

    run: Run
    desk: Done


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    scratch = tmp_path_factory.mktemp("act")
    begun = start(repository(tmp_path_factory.mktemp("project")), "daily.yml", scratch, date=DATE, engine="local")
    desk = shared_day(tmp_path_factory)
    return Both(finish(begun, scratch), desk)


def called(factory: pytest.TempPathFactory, more: str) -> Run:
    """A day of a workflow that calls ours with ``more`` inputs."""
    project, scratch = repository(factory.mktemp("project")), factory.mktemp("act")
    (project / ".github" / "workflows" / "mine.yml").write_text(CALLER.format(date=DATE, more=more))
    return finish(start(project, "mine.yml", scratch), scratch)


def test_the_day_in_jobs_is_the_day_at_a_desk(both: Both, tmp_path: Path) -> None:
    assert both.run.status == 0, both.run.log[-3000:]
    there, here = timeless(both.run.record(tmp_path)), timeless(both.desk.record)
    assert there.pop("options").pop("release") == here["release"]  # what the first job found, the others were told
    here.pop("options")
    assert there == here


def test_each_job_has_a_folder_of_its_own(both: Both) -> None:
    assert list(both.run.jobs().values()) == ["succeeded"] * 5
    assert list(both.run.jobs()) == ["baseline", "integrate", "doc-pdf", "integrate-again", "report"]
    assert len(both.run.folders()) == 5


def test_people_get_the_pages_and_the_documents(both: Both) -> None:
    day = both.run.artifacts / "integrand-report" / DATE
    assert "10 tickets" in (day / "report.html").read_text()
    assert list(day.rglob("abacus.pdf"))


def test_a_budget_that_ends_fails_no_job_but_the_report(tmp_path_factory: pytest.TempPathFactory) -> None:
    run = called(tmp_path_factory, "budget: 1s, options: --only 101")
    assert run.jobs() == {
        **dict.fromkeys(("baseline", "integrate", "integrate-again"), "succeeded"),
        "report": "failed",
    }
    assert run.status == 1
    assert "::set-output:: state=paused" in run.log


def test_what_is_broken_stops_the_day_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    run = called(tmp_path_factory, "config: nowhere.toml")
    assert run.jobs() == {"baseline": "failed"}
    assert run.status == 1
    assert "There is no configuration" in run.log

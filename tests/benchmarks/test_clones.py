from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.clones import main, project_name
from tests.repositories import Builder


@pytest.fixture
def project(builder: Builder) -> Builder:
    """A project with a release and pull requests: harmless, breaking, for its manual alone, and a long one."""
    base = builder.commit({"Makefile": "check:\n\tpython3 -c 'import a'\n", "a.py": "x = 1\n\n\n\ny = 1\n"})
    builder.tag("1.0")
    builder.commit({"a.py": "x = 1\n\n\n\ny = 2\n"}, base, branch="refs/pull/1/head")
    builder.commit({"b.py": "", "a.py": "x = \n\n\n\ny = 1\n"}, base, branch="refs/pull/2/head")
    builder.commit({"manual": ""}, base, branch="refs/pull/3/head")
    tip = base
    for number in range(13):
        tip = builder.commit({f"c{number}.py": ""}, tip, branch="refs/pull/4/head")
    builder.commit({"c.py": ""}, base, branch="refs/pull/5/head")
    builder.commit({}, base, branch="main")
    return builder


def test_the_first_day_of_a_fresh_clone(project: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    words = [f"{project.url}@1.0", "--pulls", "3", "--keep", str(tmp_path / "work"), "--json", str(figures)]
    (tmp_path / "work").mkdir()
    assert main(words) == 0
    [day] = json.loads(figures.read_text()).values()
    assert set(day["pulls"]) == {1, 2, 5}
    assert (day["state"], day["passed_release"], day["passed_head"]) == ("green", 1, 1)
    assert day["verdicts"] == {"culprit": 1, "integrated": 2}
    assert day["run"] == '"make check"'
    assert "green" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tag", "pulls", "said"),
    [
        ("1.0", "9", "has 3 pull requests that fit onto 1.0, not 9"),
        ("main", "1", "is no release's tag"),
        ("2.0", "1", "has no tag 2.0"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    project: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str], tag: str, pulls: str, said: str
) -> None:
    assert main([f"{project.url}@{tag}", "--pulls", pulls, "--keep", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("place", ["/x/flask.git", "/x/flask", "/x/pallets+flask/repo", "/x/flask/.git"])
def test_a_clone_is_called_after_its_project(place: str) -> None:
    assert project_name(place) == "flask"

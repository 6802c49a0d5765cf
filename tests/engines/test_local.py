from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import uuid
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from sessions.engines import Opening
from sessions.engines.local.engine import LocalEngine
from sessions.engines.local.python_environment import PythonEnvironment
from sessions.terminal.errors import InfrastructureError
from tests.engines.bench import RELEASE, Bench, config, put, write_toy


def probes(bench: Bench) -> list[Path]:
    """What probes left in the state folder."""
    assert isinstance(bench.engine, LocalEngine)
    return list(bench.engine.confinement.probes.glob("*"))


@pytest.fixture
def openly(tmp_path: Path) -> Bench:
    """Without a jail, as where bubblewrap is not installed."""
    engine = LocalEngine(config(), tmp_path, reason="test", confined=False)
    return Bench(engine, engine.prepare(RELEASE))


def running(words: str) -> list[str]:
    """Which processes have these words in their command lines."""
    lines = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(place.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if words in line]


@pytest.mark.parametrize(("last", "ending"), [("sleep 60", "timeout"), ("echo over", "exited"), ("exit 3", "exited")])
@pytest.mark.parametrize("start", ["{} &", "sh -c '{} &'", "setsid {} &", "setsid sh -c 'setsid {} &' &"])
def test_what_a_command_runs_in_the_background_ends_with_it(
    request: pytest.FixtureRequest, last: str, ending: str, start: str
) -> None:
    # Without a jail, who makes himself another session gets away.
    for name in ("locally",) if "setsid" in start else ("locally", "openly"):
        bench: Bench = request.getfixturevalue(name)
        naps = f"sleep {uuid.uuid4().int % 10**6 + 1000}.5"
        bench.heard = Seeing(naps)
        (step,) = bench.run(f"{start.format(naps)} sleep 0.3; echo begun; sleep 0.3; {last}", timeout=1).steps
        assert step.ending == ending
        assert bench.heard.seen
        assert not running(naps)


class Seeing(list[str]):
    """A list that remembers which processes could be seen when it got its first line."""

    def __init__(self, words: str) -> None:
        self.words, self.seen = words, list[str]()

    def append(self, line: str) -> None:
        super().append(line)
        self.seen = self.seen or running(self.words)


@pytest.mark.parametrize("command", ["true", "false", "sleep 60", "mkdir -p deep/er; chmod a-w deep; exit 1"])
def test_nothing_is_left_of_a_probe_however_it_ends(locally: Bench, command: str) -> None:
    locally.run(command, timeout=0.5)
    assert probes(locally) == []


def test_what_a_killed_call_left_is_removed_by_the_next_one(locally: Bench, tmp_path: Path) -> None:
    assert isinstance(locally.engine, LocalEngine)
    write_toy(locally.engine.confinement.probes / "tmp1234" / "source")
    again = LocalEngine.open(config(), tmp_path, Opening(why="test"))
    assert probes(locally) == []
    assert Bench(again, locally.image).says("cat a.txt") == "a\n"


def test_a_jail_that_a_killed_call_left_half_made_is_killed_by_the_next_one(locally: Bench, tmp_path: Path) -> None:
    engine = locally.engine
    assert isinstance(engine, LocalEngine)
    if engine.confinement.jail is None:
        pytest.skip(engine.exposure)
    room = engine.confinement.probes / "tmp1234"
    room.mkdir(parents=True)
    with engine.confinement.jail.filter() as filter_:
        words = engine.confinement.jail.words(room, ["sleep", "600"], status=2, filter_=filter_)
        left = subprocess.Popen(words, pass_fds=[filter_], stderr=subprocess.DEVNULL)
        LocalEngine.open(config(), tmp_path / "other", Opening(why="test"))
        assert left.poll() is None
        LocalEngine.open(config(), tmp_path, Opening(why="test"))
        assert left.wait(10) == -signal.SIGKILL


def test_a_release_that_was_only_half_written_is_written_anew(tmp_path: Path) -> None:
    def half(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "half.txt").touch()
        raise KeyboardInterrupt

    engine = LocalEngine(config(), tmp_path, reason="test")
    with pytest.raises(KeyboardInterrupt):
        engine.prepare(replace(RELEASE, export=half))
    bench = Bench(engine, engine.prepare(RELEASE))
    assert bench.says("ls").split() == ["a.txt", "docs", "notes", "now", "run.sh"]


def test_releases_with_other_trees_or_packages_have_other_images(tmp_path: Path) -> None:
    engine = LocalEngine(config(), tmp_path, reason="test")
    images = {engine.prepare(replace(RELEASE, tree=tree)).id for tree in ("one", "two", "one")}
    assert len(images) == 2


def test_a_probe_runs_with_the_python_and_the_path_of_its_caller_and_a_home_of_its_own(locally: Bench) -> None:
    told = locally.says(
        'command -v python; echo "$PATH"; cd ~; pwd -P; test "$TMPDIR" -ef "$HOME" || ls -A ~ "$TMPDIR"'
    )
    python, path, home, *_ = told.splitlines()
    assert Path(python) == Path(sys.executable).with_name("python")
    assert path.endswith(os.environ["PATH"])
    assert not Path(home).exists()
    assert Path(home).parent.name.startswith(("tmp", "probe"))


def test_paths_in_logs_and_results_count_from_the_source(locally: Bench) -> None:
    outcome = locally.run('pwd; echo "$PWD/a.txt: oops"; echo "$PWD/a.txt" > "$INTEGRAND_RESULTS"')
    where, complaint = outcome.steps[0].log.splitlines()
    assert complaint == "a.txt: oops"
    assert outcome.results == b"a.txt\n"
    assert where.endswith("/source")


def test_artifacts_come_out_of_a_state_folder_that_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "state").symlink_to("disk")
    engine = LocalEngine(config(), tmp_path / "state", reason="test")
    bench = Bench(engine, engine.prepare(RELEASE))
    assert bench.run("true", artifacts=("a.txt",)).artifacts == {"a.txt": b"a\n"}


def test_the_release_itself_is_never_written_through_a_link_or_a_hard_link(locally: Bench) -> None:
    locally.says("echo spoilt > now/one.txt; echo spoilt >> a.txt; chmod 000 run.sh", put("docs/one.txt", "spoilt"))
    assert locally.says("cat now/one.txt a.txt docs/one.txt; ./run.sh") == "a note\na\none\nI run\n"


@pytest.mark.slow
def test_packages_that_cannot_be_installed_are_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    engine = LocalEngine(config(packages=("no-such-package-at-all",)), tmp_path, reason="test")
    with pytest.raises(InfrastructureError) as error:
        engine.prepare(RELEASE)
    assert str(error.value).startswith("[engine] packages could not be installed: ERROR: No matching distribution")
    assert "\n" not in str(error.value)
    assert not (engine.python.folder / "complete").exists(), "half an environment is taken for a whole one"


def write_package(folder: Path) -> Path:
    """A wheel with one module that says hello."""
    wheel = folder / "toytool-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("toytool.py", "print('I am installed')")
        archive.writestr("toytool-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toytool\nVersion: 1.0\n")
        archive.writestr(
            "toytool-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("toytool-1.0.dist-info/RECORD", "")
    return wheel


@pytest.mark.slow
def test_packages_are_installed_once_for_all_probes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    wheel = write_package(tmp_path)
    for _ in range(2):
        engine = LocalEngine(config(packages=(str(wheel),)), tmp_path / "state", reason="test")
        bench = Bench(engine, engine.prepare(RELEASE))
        assert bench.says("python -m toytool") == "I am installed\n"
        wheel.unlink(missing_ok=True)


UV = """#!/bin/sh
echo "$@" > "$0.told"
"""


@pytest.mark.slow
def test_packages_are_as_old_as_the_release_where_uv_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(UV)
    uv.chmod(0o755)
    without = PythonEnvironment(tmp_path, ("p",), "")
    monkeypatch.setenv("PATH", f"{uv.parent}{os.pathsep}{os.environ['PATH']}")
    dated = PythonEnvironment(tmp_path, ("p",), "2024-03-01")
    assert dated.folder != without.folder == PythonEnvironment(tmp_path, ("p",)).folder
    dated.install()
    assert "--exclude-newer 2024-03-01T23:59:59Z p" in Path(f"{uv}.told").read_text()


@pytest.mark.slow
def test_of_many_words_about_a_package_the_error_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    package = tmp_path / "broken"
    package.mkdir()
    (package / "pyproject.toml").write_text('[build-system]\nrequires = []\nbuild-backend = "none_such"\n')
    engine = LocalEngine(config(packages=(str(package),)), tmp_path / "state", reason="test")
    with pytest.raises(InfrastructureError, match=r"could not be installed: (error|ERROR)"):
        engine.prepare(RELEASE)

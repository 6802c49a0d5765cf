from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sessions.source.overlay_files import OverlayFile
from tests.engines.bench import RELEASE, RELEASED, Bench, put

if TYPE_CHECKING:
    from pathlib import Path


def test_steps_run_in_order_in_the_source_until_one_fails(bench: Bench) -> None:
    steps = bench.run("cat a.txt; ./run.sh", "echo oops >&2; exit 3", "echo never").steps
    assert [(step.name, step.status, step.log, step.ending) for step in steps] == [
        ("step1", 0, "a\nI run\n", "exited"),
        ("step2", 3, "oops\n", "exited"),
    ]
    assert bench.heard == ["a\n", "I run\n", "oops\n"]


def test_output_and_errors_come_as_one_log_and_need_be_neither_text_nor_whole_lines(bench: Bench) -> None:
    (step,) = bench.run("echo 1; echo 2 >&2; echo 3; printf 'caf\\303\\251 \\351\\n'; printf 'no end'").steps
    assert step.log == "1\n2\n3\ncafé \ufffd\nno end"


def test_what_a_command_reads_is_empty_rather_than_a_terminal(bench: Bench) -> None:
    assert bench.says("cat; echo read") == "read\n"


def test_a_command_longer_than_one_argument_may_be_runs(bench: Bench) -> None:
    assert bench.says(f"echo {'x' * 200_000} | wc -c").strip() == "200001"


@pytest.mark.parametrize("status", [0, 1])
def test_the_results_file_is_brought_out_however_the_command_ended(bench: Bench, status: int) -> None:
    outcome = bench.run(f'printf "\\000\\377" > "$INTEGRAND_RESULTS"; exit {status}')
    assert (outcome.results, outcome.steps[-1].status) == (b"\0\xff", status)


def test_a_command_that_writes_no_results_has_none(bench: Bench) -> None:
    assert bench.run("true").results is None


def test_artifacts_are_brought_out_by_their_globs(bench: Bench) -> None:
    command = (
        "mkdir -p out/deep/er; for name in one.pdf deep/er/two.pdf deep/three.txt; do echo $name > out/$name; done"
    )
    outcome = bench.run(command, artifacts=("out/**/*.pdf", "/a.txt", "gone/*.pdf"))
    assert outcome.artifacts == {
        "a.txt": b"a\n",
        "out/one.pdf": b"one.pdf\n",
        "out/deep/er/two.pdf": b"deep/er/two.pdf\n",
    }


def test_an_artifact_that_is_a_link_is_left_behind(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.pdf").write_text("secret")
    command = f"""
        mkdir out; ln -s {outside}/secret.pdf out/file.pdf; ln -s {outside} out/folder; ln -s /etc out/etc
        ln -s ../a.txt out/inside.pdf; mkfifo out/pipe.pdf; echo mine > out/mine.pdf; ln -s out other
    """
    outcome = bench.run(command, artifacts=("out/**", "other/**"))
    assert outcome.artifacts == {"out/mine.pdf": b"mine\n"}


STALE = put("out/stale.xml", "of an earlier run")


@pytest.mark.parametrize("before", [(), ("mkdir -p out; echo built > out/build.xml; ln -s stale.xml out/link.xml",)])
def test_only_the_reports_that_the_last_step_wrote_are_brought_out(bench: Bench, before: tuple[str, ...]) -> None:
    last = "ls out; echo '<a/>' > out/new.xml; echo '<b/>' > 'out/odd\nname.xml'; ln -s new.xml out/other.xml"
    outcome = bench.run(*before, last, overlay=(STALE,), reports=("out/**/*.xml", "none/*.xml"), artifacts=("a.txt",))
    assert outcome.steps[-1].log == ""
    assert outcome.reports == {"out/new.xml": b"<a/>\n", "out/odd\nname.xml": b"<b/>\n"}
    assert (outcome.artifacts, outcome.trouble) == ({"a.txt": b"a\n"}, "")


def test_without_a_step_that_runs_the_reports_there_are_not_read(bench: Bench) -> None:
    assert bench.run("exit 1", "echo new > out/new.xml", overlay=(STALE,), reports=("out/*.xml",)).reports == {}


@pytest.mark.parametrize("before", [(), ("mkdir -p out; echo built > out/built.xml",)])
def test_what_is_outdated_is_deleted_before_the_last_step(bench: Bench, before: tuple[str, ...]) -> None:
    last = "ls out; echo new > out/new.xml"
    outcome = bench.run(*before, last, overlay=(STALE,), artifacts=("out/*",), outdated=("out/*.xml",))
    assert outcome.steps[-1].log == ""
    assert outcome.artifacts == {"out/new.xml": b"new\n"}


def test_a_step_that_takes_too_long_is_stopped_and_what_it_told_is_kept(bench: Bench) -> None:
    start = time.monotonic()
    outcome = bench.run(
        "echo in time", 'echo begun; echo half > "$INTEGRAND_RESULTS"; sleep 60 & sleep 60; echo over', timeout=1
    )
    assert time.monotonic() - start < 30
    assert [(step.status, step.ending, step.log) for step in outcome.steps] == [
        (0, "exited", "in time\n"),
        (137, "timeout", "begun\n"),
    ]
    assert outcome.results == b"half\n"


def test_a_child_left_in_the_background_does_not_hold_up_the_probe(bench: Bench) -> None:
    outcome = bench.run("sleep 60 & echo done", "echo next")
    assert [(step.ending, step.log) for step in outcome.steps] == [("exited", "done\n"), ("exited", "next\n")]
    assert outcome.seconds < 30


def test_no_secret_of_the_callers_environment_reaches_a_probe(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "REGISTRY_TOKEN", "SSH_AUTH_SOCK", "ANYTHING", "INTEGRAND_RESULTS"):
        monkeypatch.setenv(name, "s3cr3t")
    monkeypatch.setenv("HOME", str(tmp_path / "s3cr3t"))
    (step,) = bench.run("env; ls -a ~", MINE="given").steps
    assert "MINE=given\n" in step.log
    assert "HOME=" in step.log
    assert "s3cr3t" not in step.log


def test_an_overlay_changes_adds_and_takes_away_and_touches_nothing_else(bench: Bench) -> None:
    told = bench.says(
        "cat a.txt run.sh tools/new.sh; ./tools/new.sh; ls docs; readlink away now; test ! -x run.sh && echo plain",
        OverlayFile(path="docs/one.txt"),
        put("a.txt", "changed\n"),
        put("run.sh", "echo no more\n", 0o100644),
        put("tools/new.sh", "echo new\n", 0o100755),
        put("away", "/else/where", 0o120000),
    )
    assert told.splitlines() == [
        "changed",
        "echo no more",
        "echo new",
        "new",
        "two.txt",
        "/else/where",
        "notes",
        "plain",
    ]


def test_unchanged_files_keep_their_times_and_changed_ones_are_younger(bench: Bench) -> None:
    told = bench.says(
        "date -r docs/two.txt +%s; test a.txt -nt docs/two.txt && echo younger", put("a.txt", "changed\n")
    )
    assert told.split() == [str(RELEASED), "younger"]


def test_files_folders_and_links_take_each_others_places(bench: Bench) -> None:
    told = bench.says(
        "cat docs/one.txt now/three.txt a.txt/inside notes; ls now",
        # As an overlay of two trees comes: first what to take away.
        *(OverlayFile(path=path) for path in ("a.txt", "docs/one.txt", "docs/two.txt", "notes/one.txt", "now")),
        put("a.txt/inside", "was a file\n"),
        put("docs", "elsewhere", 0o120000),
        put("elsewhere/one.txt", "behind a link\n"),
        put("notes", "was a folder\n"),
        put("now/three.txt", "was a link\n"),
    )
    assert told.splitlines() == ["behind a link", "was a link", "was a file", "was a folder", "three.txt"]


def test_a_submodule_is_an_empty_folder_also_where_a_file_was(bench: Bench) -> None:
    folders = [OverlayFile(path=path, mode=0o160000, content=b"") for path in ("deep/lib", "docs/one.txt", "-lib")]
    told = bench.says("ls -A deep/lib docs/one.txt ./-lib && touch -- deep/lib/x docs/one.txt/x ./-lib/x", *folders)
    assert told.split() == ["./-lib:", "deep/lib:", "docs/one.txt:"]


def test_an_overlay_cannot_write_through_a_link_of_the_release(bench: Bench) -> None:
    told = bench.says("cat now; ls notes", put("now", "a file at last\n"))
    assert told.splitlines() == ["a file at last", "one.txt"]


@pytest.mark.parametrize(
    "name", ["with space & $HOME.txt", "-rf", "naïve.txt", "caf\udce9.txt", "x" * 200, "new\nline"]
)
def test_any_file_name_can_be_put_in(bench: Bench, name: str) -> None:
    folder = f"odd/{'deep/' * 20}"
    assert bench.says(f"cat {folder}*", put(folder + name, "found\n")) == "found\n"


@pytest.mark.parametrize("name", ["with space & $HOME.txt", "-rf", "naïve.txt", "new\nline"])
def test_any_file_name_can_be_taken_away(bench: Bench, name: str) -> None:
    there = bench.run("ls docs", overlay=(put(f"docs/{name}", "x"), OverlayFile(path="docs/one.txt")))
    gone = bench.run("ls docs", overlay=(OverlayFile(path=f"docs/{name}"), OverlayFile(path="docs/one.txt")))
    assert there.steps[0].log != gone.steps[0].log == "two.txt\n"


def test_a_probe_leaves_nothing_for_the_next_one(bench: Bench) -> None:
    command = "cat a.txt; ls; echo spoilt > a.txt; touch new; rm -r docs; mkdir -p ~ && touch ~/mine; ls ~"
    assert bench.says(command) == bench.says(command)


def test_an_image_is_prepared_once(bench: Bench) -> None:
    def must_not(_: Path) -> None:
        raise AssertionError

    assert bench.engine.prepare(replace(RELEASE, export=must_not)) == bench.image

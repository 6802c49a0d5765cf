from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sessions.settings.options import Options, build_parser, parse_options
from sessions.terminal.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULTS = {
    "line": "",
    "release": None,
    "repository": None,
    "only": (),
    "without": (),
    "limit": None,
    "gates": (),
    "files": (),
    "plan": False,
    "rerun_failed": False,
    "fresh": False,
    "budget": None,
    "engine": None,
    "jobs": None,
    "publish": False,
    "pack": False,
    "push_failed": False,
    "shell": None,
    "plan_shards": None,
    "shard": None,
    "gather": None,
    "close": False,
    "trends": None,
    "flakes": None,
    "cooking": None,
    "format": None,
    "retry_refused": False,
    "fail_on": None,
    "json": False,
    "branch": None,
    "since": None,
    "test": (),
}
DESIGN = (
    *("--config", "--state", "--release", "--date", "--only", "--without", "--limit", "--gates", "--files", "--plan"),
    *("--rerun-failed", "--fresh", "--budget", "--engine", "--jobs", "--publish", "--json", "--fail-on"),
)


def parse(*words: str, called_from: Path = Path("/desk"), home: Path = Path("/home")) -> Options:
    return parse_options(words, session="integrate", called_from=called_from, home=home)


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--release", "10.5.beta3"], "release", "10.5.beta3"),
        (["--repository", "https://example.org/x.git"], "repository", "https://example.org/x.git"),
        (["--date", "2026-11-23"], "date", dt.date(2026, 11, 23)),
        (["--only", "12,#15, 7,"], "only", (12, 15, 7)),
        (["--without=12"], "without", (12,)),
        (["--limit", "3"], "limit", 3),
        (["--gates", "doctest, doc-pdf"], "gates", ("doctest", "doc-pdf")),
        (["--files", "a/**", "!a/b", "--plan", "--files", "c"], "files", ("a/**", "!a/b", "c")),
        (["--plan"], "plan", True),
        (["--rerun-failed"], "rerun_failed", True),
        (["--fresh"], "fresh", True),
        (["--budget", "5h30m"], "budget", 19800.0),
        (["--engine", "local"], "engine", "local"),
        (["--jobs", "8"], "jobs", 8),
        (["--publish"], "publish", True),
        (["--pack"], "pack", True),
        (["--push-failed"], "push_failed", True),
        (["--shell"], "shell", 0),
        (["--shell", "111"], "shell", 111),
        (["--plan-shards", "4"], "plan_shards", 4),
        (["--shard", "2/4"], "shard", (2, 4)),
        (["--gather", "jobs"], "gather", Path("/desk/jobs")),
        (["--close"], "close", True),
        (["--trends", "plots"], "trends", Path("/desk/plots")),
        (["--flakes", "plots"], "flakes", Path("/desk/plots")),
        (["--cooking", "mail"], "cooking", Path("/desk/mail")),
        (["--retry-refused"], "retry_refused", True),
        (["--fail-on", "ejected"], "fail_on", "ejected"),
        (["--json"], "json", True),
        (["--branch", "9.9+integration"], "branch", "9.9+integration"),
        (["--from", "9.9"], "since", "9.9"),
        (["--test", "123,#7"], "test", (123, 7)),
        (["--config", "/etc/x.toml"], "config", Path("/etc/x.toml")),
        (["--config", "../x.toml"], "config", Path("/x.toml")),
        (["--state", "/var/x"], "state", Path("/var/x")),
        (["--state", "x/../y"], "state", Path("/desk/y")),
    ],
)
def test_reads_every_option(words: list[str], name: str, value: object) -> None:
    assert getattr(parse(*words), name) == value
    assert DEFAULTS.get(name, ()) != value


def test_nothing_typed() -> None:
    options = parse()
    assert {name: getattr(options, name) for name in DEFAULTS} == DEFAULTS
    assert (options.config, options.state) == (Path("/home/integration.toml"), Path("/desk/.integrand"))
    assert abs(options.date - dt.datetime.now(dt.UTC).date()) <= dt.timedelta(days=1)
    assert set(vars(options)) == {*DEFAULTS, "config", "state", "date"}


def test_all_of_the_design_is_there_and_explained() -> None:
    words = build_parser("integrate").format_help()
    assert "nox -s integrate --" in words
    for option in DESIGN:
        assert option in words
    assert all(action.help for action in build_parser("integrate")._actions)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--date", "23.11.2026"], r"--date: '23\.11\.2026' is not a date such as 2026-11-23"),
        (["--date", "2026-02-30"], r"--date: "),
        (["--only", ""], r"--only: '' names nothing: leave the option out to mean all"),
        (["--gates", " ,"], r"--gates: ' ,' names nothing: leave the option out to mean all"),
        (["--only", "12,x"], r"--only: '12,x' is not a list of ticket numbers such as 12,15"),
        (["--without", "1.5"], r"--without: "),
        (["--limit", "0"], r"--limit: '0' is not a whole number from 1 on"),
        (["--limit", "-1"], r"--limit: "),
        (["--jobs", "many"], r"--jobs: 'many' is not a whole number from 1 on"),
        (["--budget", "5"], r"--budget: '5' is not a duration: write it as 5h30m, 45m or 90s"),
        (["--engine", "podman"], r"--engine: .*'podman'.*docker.*local"),
        (["--fail-on", "red"], r"--fail-on: "),
        (["--files"], r"--files: "),
        (["--release"], r"--release: "),
        (["--rerun"], r"--rerun"),
        (["--publsh"], r"--publsh"),
        (["12"], r"12"),
        (["--plan=yes"], r"--plan: "),
    ],
)
def test_what_cannot_be_meant_names_the_option_and_the_command(words: Sequence[str], told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        parse(*words)
    assert str(caught.value).endswith("Type `nox -s integrate -- --help` for the options.")
    assert "\n" not in str(caught.value)


def test_the_configuration_where_the_command_was_typed_goes_before_the_shipped_one(tmp_path: Path) -> None:
    assert parse(called_from=tmp_path).config == Path("/home/integration.toml")
    mine = tmp_path / "integration.toml"
    mine.touch()
    assert parse(called_from=tmp_path).config == mine.resolve()
    assert parse("--config", "other.toml", called_from=tmp_path).config == (tmp_path / "other.toml").resolve()


@pytest.mark.parametrize("typed", ["clone", "./clone", "sub/../clone"])
def test_a_repository_that_is_a_folder_here_counts_from_here(tmp_path: Path, typed: str) -> None:
    for name in ("clone", "sub"):
        (tmp_path / name).mkdir()
    assert parse("--repository", typed, called_from=tmp_path).repository == str((tmp_path / "clone").resolve())
    assert parse("--repository", "clone").repository == "clone"

from __future__ import annotations

import json
import re
import tomllib
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomlkit

from sessions.settings.configuration import Config, Tracker
from sessions.settings.configuration_file import load_config
from sessions.settings.init_options import build_init_parser
from sessions.settings.options import build_parser
from sessions.settings.schema import config_reference, config_schema, options_reference
from sessions.terminal.errors import UsageError

ROOT = Path(__file__).parents[2]
PROJECT = '[project]\nname = "x"\nrepository = "x"\n'
TICKETS = '[tickets]\nurl = "x"\n'
GATES = '[[gates]]\nname = "x"\nrun = "x"\n'
GOOD = """\
version = 1
[project]
name = "x"
repository = "https://example.org/x.git"

[tickets]
url = "tickets.toml"
ready = ["ready"]

[engine]
kind = "local"

[build]
run = '''
[ -f x ] &&
name = y
'''

[[gates]]
name = "first"
run = "true"

[[gates]]
name = "second"
run = "pytest {files}"
format = "junit"
files = [
    "src/**",
]
"""
# What is written instead of what, and what is said: line, key and reason.
BROKEN = {
    "unknown section": ("[engine]", "[engin]", "line 10: engin: unknown key; did you mean 'engine'?"),
    "unknown key": ("ready =", "redy =", "line 8: tickets.redy: unknown key; did you mean 'ready'?"),
    "unknown key on top": ("version = 1", "version = 1\nverzion = 1", "line 2: verzion: unknown key; did you mean"),
    "unlike any key": ('name = "x"', 'name = "x"\nzzz = 1', "line 4: project.zzz: unknown key; known are name, repo"),
    "quoted key": ("ready =", '"redy" =', "line 8: tickets.redy: unknown key"),
    "in the first gate": ('run = "true"', 'rum = "true"', "line 21: gates[0].rum: unknown key; did you mean 'run'?"),
    "in the second gate": ("format =", "fromat =", "line 26: gates[1].fromat: unknown key; did you mean 'format'?"),
    "text for a number": ("version = 1", 'version = "1"', "line 1: version: must be a whole number, not '1'"),
    "truth for a number": ("version = 1", "version = true", "line 1: version: must be a whole number, not True"),
    "number for a text": ('name = "x"', "name = 1", "line 3: project.name: must be text, not 1"),
    "text for a list": ('["ready"]', '"ready"', "line 8: tickets.ready: must be a list, not 'ready'"),
    "number in a list": ('["ready"]', '["ready", 2]', "line 8: tickets.ready[1]: must be text, not 2"),
    "no such choice": (
        '"junit"',
        '"junitt"',
        "line 26: gates[1].format: must be one of sage, junit, tap, go, latex, exit, not 'junitt'",
    ),
    "list for a choice": ('"junit"', "[]", "line 26: gates[1].format: must be one of"),
    "key missing": ('name = "x"\n', "", "line 2: project.name: this key is missing"),
    "key of a gate missing": ('run = "true"\n', "", "line 19: gates[0].run: this key is missing"),
    "no version": ("version = 1\n", "", "integration.toml: version: this key is missing"),
}
# What only its meaning makes wrong; a schema cannot know it.
MEANT = {
    "branch without a name": (
        'name = "x"',
        'name = "x"\nrelease = "branch:"',
        "line 4: project.release: must be `latest`",
    ),
    "tags that are no expression": (
        'name = "x"',
        'name = "x"\ntags = "((?P<version>.*)"',
        "line 4: project.tags: is not a regular expression: missing ), unterminated subpattern",
    ),
    "Dask without an address": (
        'kind = "local"',
        'workers = "dask"',
        'line 10: engine.scheduler: workers = "dask" needs its address, such as tcp://host:8786',
    ),
    "an address that is none": (
        'kind = "local"',
        'scheduler = "host:8786"',
        "line 11: engine.scheduler: must be an address such as tcp://host:8786",
    ),
    "a size that is none": (
        'kind = "local"',
        'disk = "lots"',
        "line 11: engine.disk: 'lots' is not a size: write a number and a unit, such as 500m or 4g",
    ),
    "no size at all": ('kind = "local"', 'output = ""', "line 11: engine.output: '' is not a size: write a number"),
    "no day to be ripe": ("[build]", "[cooking]\nripe_after = 0\n[build]", "line 14: cooking.ripe_after: must be 1"),
    "no day to be stalled": (
        "[build]",
        "[cooking]\nstalled_after = 0\n[build]",
        "line 14: cooking.stalled_after: must",
    ),
    "no process at all": ('kind = "local"', "processes = 0", "line 11: engine.processes: must be 1 or more"),
    "a manual without PDFs": (
        'run = "true"',
        'run = "true"\nformat = "latex"',
        "line 19: gates[0].artifacts: format latex reads PDFs: name them",
    ),
    "a manual in files": (
        'run = "true"',
        'run = "true"\nformat = "latex"\nartifacts = ["*.pdf"]\nfiles = ["*.tex"]',
        "line 24: gates[0].files: format latex reads whole documents",
    ),
    "a factor that is noise": (
        'run = "true"',
        'run = "true"\nslower = 1.05',
        "line 22: gates[0].slower: must be a factor",
    ),
    "a factor in words": ('run = "true"', 'run = "true"\nslower = "2"', "line 22: gates[0].slower: must be a number"),
    "another version": ("version = 1", "version = 2", "line 1: version: is 2, and this Integrand reads version 1"),
    "no span of time": (
        'run = "true"',
        'run = "true"\ntimeout = "2 hours"',
        "line 22: gates[0].timeout: '2 hours' is not a duration",
    ),
    "build's time": ("[build]", '[build]\ntimeout = "soon"', "line 14: build.timeout: 'soon' is not a duration"),
    "an address that ends too early": (
        'url = "tickets.toml"',
        'url = "https://[::1"',
        "line 7: tickets.url: 'https://[::1'",
    ),
    "a NUL": ('name = "x"', 'name = "x\\u0000"', "line 3: project.name: holds a NUL character"),
    "an endless text": ('name = "x"', f'name = "{"x" * 2001}"', "line 3: project.name: is longer than 2000 characters"),
    "an endless number": (
        'kind = "local"',
        f"processes = {10**10}",
        "line 11: engine.processes: must be at most 1000000000",
    ),
    "a number of thousands of digits": ("version = 1", f"version = {'9' * 5000}", "cannot be read as TOML: Exceeds"),
    "a wrong value without end": ('name = "x"', f"name = {[7] * 5000}", "must be text, not [7, 7,"),
    "nested without end": ("version = 1", f"version = {'[' * 9999}", "cannot be read as TOML: it is nested too deeply"),
    "a name longer than a file's": ('"second"', f'"{"x" * 101}"', "must be a plain word of at most 100 letters"),
    "two of one name": (
        '"second"',
        '"first"',
        "line 20: gates[0].name: 'first' must be a plain word of at most 100 letters, and",
    ),
    "a cache that is none": ("[build]", '[build]\ncache = ["PATH"]', "line 14: build.cache: 'PATH' is not a variable"),
    "name with a slash": ('"second"', '"a/b"', "line 24: gates[1].name: 'a/b' must be a plain word"),
    "unknown marker": ('name = "x"', 'name = "x"\nbranch = "{tag}"', "line 4: project.branch: {tag} is not known: use"),
    "branch that git refuses": (
        'name = "x"',
        'name = "x"\nbranch = "next {date}"',
        "line 4: project.branch: git refuses the branch name 'next 2026-01-31': it holds a space",
    ),
    "submodules in words": (
        'name = "x"',
        'name = "x"\nsubmodules = "yes"',
        "line 4: project.submodules: must be true or false, not 'yes'",
    ),
    "committer without address": (
        'name = "x"',
        'name = "x"\ncommitter = "Jane"',
        "line 4: project.committer: must have the form `Name <address>`",
    ),
}


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "integration.toml"
    path.write_text(text, encoding="utf-8")
    return path


def schema() -> Any:
    return json.loads((ROOT / "integration.schema.json").read_text(encoding="utf-8"))


def fits_schema(text: str) -> bool:
    return jsonschema.Draft202012Validator(schema()).is_valid(tomllib.loads(text))


def configurations() -> list[Path]:
    """All that ship: not the tracker files among the examples."""
    paths = [ROOT / "integration.toml", *sorted((ROOT / "examples").rglob("*.toml"))]
    return [path for path in paths if "ticket" not in tomllib.loads(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("path", configurations(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_ships_loads_and_fits_the_schema(path: Path) -> None:
    assert load_config(path).gates
    jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), schema())


def test_the_shipped_configuration_is_set_to_the_sample() -> None:
    config = load_config(ROOT / "integration.toml")
    assert (config.project.repository, config.tickets[0].url) == ("sample:", "sample:")
    assert [gate.name for gate in config.gates] == ["doctest", "doc-pdf"]
    assert config.gate("doc-pdf").artifacts == ("build/pdf/*.pdf",)


def test_values_and_defaults(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.tickets[0] == Tracker(url="tickets.toml", ready=("ready",))
    assert (config.engine.kind, config.engine.processes, config.build.timeout) == ("local", 4096, "4h")
    assert [(gate.name, gate.format, gate.files) for gate in config.gates] == [
        ("first", "exit", ()),
        ("second", "junit", ("src/**",)),
    ]
    assert fits_schema(GOOD)


@pytest.mark.parametrize("case", BROKEN | MEANT)
def test_a_mistake_is_told_with_file_line_and_key(tmp_path: Path, case: str) -> None:
    old, new, told = (BROKEN | MEANT)[case]
    assert GOOD.count(old) == 1
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(UsageError, match=re.escape(told)) as caught:
        load_config(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", BROKEN)
def test_the_schema_refuses_what_the_loader_refuses(case: str) -> None:
    old, new, _ = BROKEN[case]
    assert not fits_schema(GOOD.replace(old, new))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("project", "3", "line 2: project: must be a table, not 3"),
        ("gates", '"x"', "line 2: gates: must be a list, not 'x'"),
        ("gates", "[1]", "line 2: gates[0]: must be a table, not 1"),
    ],
)
def test_a_value_where_a_table_should_be(tmp_path: Path, name: str, value: str, told: str) -> None:
    sections = {"project": PROJECT, "tickets": TICKETS, "gates": GATES}
    text = f"version = 1\n{name} = {value}\n" + "".join(sections[other] for other in sections if other != name)
    with pytest.raises(UsageError, match=re.escape(told)):
        load_config(write(tmp_path, text))
    assert not fits_schema(text)


def test_no_gates(tmp_path: Path) -> None:
    head, *_ = GOOD.partition("[[gates]]")
    with pytest.raises(UsageError, match="gates: at least one gate is needed"):
        load_config(write(tmp_path, f"gates = []\n{head}"))


@pytest.mark.parametrize("text", ["\ufeff" + GOOD, GOOD.replace("\n", "\r\n")], ids=["mark", "line ends"])
def test_what_editors_on_windows_write_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "integration.toml"
    path.write_bytes(text.encode())
    assert load_config(path).tickets[0].ready == ("ready",)


@pytest.mark.parametrize("content", [b"version = ", b"\xff\xfe", b"version = 1\nversion = 1\n", None])
def test_what_is_no_toml(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "integration.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=f"^{re.escape(str(path))} cannot be read as TOML: "):
        load_config(path)


def test_no_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no configuration \S+/integration\.toml\. Type `nox -s init` .*--config FILE"
    ):
        load_config(tmp_path / "integration.toml")


def test_a_gate_that_is_none_is_answered_with_the_nearest(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.gate("second").format == "junit"
    with pytest.raises(UsageError, match=r"no gate 'secnd' in the configuration; did you mean 'second'"):
        config.gate("secnd")


def test_the_shipped_schema_is_made_from_the_code_and_sound() -> None:
    """Make it anew: python -m sessions.settings.schema."""
    shipped = (ROOT / "integration.schema.json").read_text(encoding="utf-8")
    assert shipped == json.dumps(config_schema(), indent=2) + "\n"
    jsonschema.Draft202012Validator.check_schema(schema())
    assert set(schema()["properties"]) == set(Config.__dataclass_fields__)


def test_the_reference_is_made_from_the_code() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == config_reference()


def test_the_page_of_options_is_made_from_the_code() -> None:
    page = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    assert page == options_reference(), "type: python -m sessions.settings.schema"
    for parser in (build_parser("integrate"), build_init_parser()):
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", parser.format_help()):
            assert option == "--help" or f"| `{option}" in page, option


def _keys(kind: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each key of the configuration, with the tables that it is in."""
    for name, hint in typing.get_type_hints(kind).items():
        yield above, name
        inside = (typing.get_args(hint) or (hint,))[0]
        if is_dataclass(inside):
            yield from _keys(inside, (*above, name))


def _mistyped(key: str) -> set[str]:
    swapped = key[0] + key[2] + key[1] + key[3:]
    return {key[:-1] if len(key) > 3 else f"{key}x", key.upper(), swapped} - {key}


def test_each_mistyped_key_is_named_with_its_line_and_the_right_one(tmp_path: Path) -> None:
    keys = list(_keys(Config))
    assert len(keys) > 70
    for above, key in keys:
        for typed in _mistyped(key):
            document = tomllib.loads(GOOD)
            table: Any = document
            for name in above:
                table = table.setdefault(name, [{}] if name == "lines" else {})
                table = table[0] if isinstance(table, list) else table
            table[typed] = table.pop(key, "x")
            path = tmp_path / "integration.toml"
            path.write_text(tomlkit.dumps(document), encoding="utf-8")
            with pytest.raises(UsageError, match=rf", line \d+: .*{typed}: unknown key; did you mean '{key}'\?$"):
                load_config(path)

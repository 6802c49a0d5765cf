"""What a record says about how its probes were set up."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from sessions.day.effective_configuration import apply_options
from sessions.day.setup import describe_setup, public_address, write_configuration
from sessions.ledger.record_file import SCHEMA, parse_record, record_data
from sessions.settings.configuration_file import load_config
from sessions.settings.options import Options
from tests.reporting.big_day import big_day
from tests.repositories import DATE

CONFIG = """
version = 1
[project]
name = "own"
repository = "https://jane:s3cret@example.org/own.git"
submodules = true
[tickets]
url = "tickets.toml"
[engine]
kind = "docker"
dockerfile = "docker/Dockerfile"
baseline = "debian:bookworm-slim"
packages = ["numpy==2.0", "pytest"]
image = "example.org/own"
memory = "2g"
[build]
run = '''make "all" \\\\ 'x' '''
[[gates]]
name = "ask"
run = "pytest --seed {seed} {files}"
format = "junit"
files = ["**/*.py"]
[[gates]]
name = "doc"
run = "make doc"
"""


def test_a_written_setup_is_the_same_configuration_again(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text("ARG BASELINE\nFROM $BASELINE\nRUN true\n")
    path = tmp_path / "integration.toml"
    path.write_text(CONFIG)
    state = tmp_path / "state"
    config = apply_options(load_config(path), Options(config=path, state=state, date=DATE))
    setup = describe_setup(config, state)
    record = replace(parse_record(big_day(1)), project="own", release="1.0", setup=setup)
    written = record_data(record)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(written)
    assert str(tmp_path) not in json.dumps(written)
    assert "s3cret" not in json.dumps(written)

    again = load_config(write_configuration(parse_record(written), tmp_path / "other"))
    assert (again.build, again.gates) == (config.build, config.gates)
    assert again.project.repository == "https://example.org/own.git"
    assert (again.project.release, again.project.submodules) == ("1.0", True)
    for key in ("baseline", "packages", "memory", "source"):
        assert getattr(again.engine, key) == getattr(config.engine, key)
    assert (again.engine.kind, again.engine.image) == ("auto", "")
    assert (tmp_path / "other" / again.engine.dockerfile).read_text() == "ARG BASELINE\nFROM $BASELINE\nRUN true\n"


@pytest.mark.parametrize(
    ("origin", "address"),
    [
        ("https://jane:s3cret@example.org/own.git", "https://example.org/own.git"),
        ("git@example.org:jane/own.git", "git@example.org:jane/own.git"),
        ("ssh://git@example.org/own", "ssh://example.org/own"),
        ("/home/jane/own", ""),
        ("../own", ""),
        ("file:///home/jane/own", ""),
        ("", ""),
    ],
)
def test_a_clone_is_fetched_from_where_its_origin_is(tmp_path: Path, origin: str, address: str) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    if origin:
        subprocess.run(["git", "-C", str(clone), "remote", "add", "origin", origin], check=True)
    assert public_address(str(clone), tmp_path / "state") == address


def test_a_folder_that_is_not_there_is_no_address(tmp_path: Path) -> None:
    assert public_address(str(tmp_path / "gone"), tmp_path / "state") == ""
    assert public_address(str(tmp_path / "state" / "sample" / "x.git"), tmp_path / "state") == "sample:"

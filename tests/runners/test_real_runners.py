"""Each real runner, run on a tiny project and on what tickets do to it: its account says what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from sessions.gates.comparison import Comparison, compare
from sessions.gates.formats.registry import FORMATS
from sessions.gates.results import GateOutput, Presence, Results, TestId
from tests.conftest import refuse
from tests.runners import native_kits, node_kits, python_kits, script_kits
from tests.runners.kit import Change, Kit

KITS = (*python_kits.KITS, *node_kits.KITS, *native_kits.KITS, *script_kits.KITS)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def run(kit: Kit, change: Change, folder: Path, cache: Path) -> Results:
    if why := kit.lacking():
        refuse(f"{kit}: {why}")
    output = kit.execute(change, folder, cache)
    print(output.log)
    return FORMATS[kit.format](relative(output, folder / "source"))


def relative(output: GateOutput, source: Path) -> GateOutput:
    """The output with the source's own path taken out of it, as the laboratory does."""
    prefix = f"{source}/"
    return replace(
        output,
        log=output.log.replace(prefix, "{source}/"),
        results=output.results and output.results.replace(prefix.encode(), b"{source}/"),
    )


def shown(results: Results, *tests: TestId) -> list[Presence]:
    return [results.presence(test) for test in tests]


PASSED, FAILED, SKIPPED, ABSENT = Presence.PASSED, Presence.FAILED, Presence.SKIPPED, Presence.ABSENT


@pytest.mark.slow
@pytest.mark.parametrize("kit", KITS, ids=str)
def test_what_a_run_shows(kit: Kit, tmp_path: Path, cache: Path) -> None:
    release = run(kit, Change.NONE, tmp_path / "release", cache)
    assert release.trouble == ""
    assert shown(release, kit.good, kit.bad, kit.other, kit.last) == [PASSED, FAILED, PASSED, PASSED]
    for change in kit.changes:
        if change is not Change.NONE:
            results = run(kit, change, tmp_path / change.name, cache)
            CHECKS[change](kit, results)
            _compares(kit, change, compare(release, results))


def _compares(kit: Kit, change: Change, found: Comparison) -> None:
    """What the change is called beside the release."""
    told = bool(found.new or found.gone or found.skipped)
    assert told is not (change is Change.HARMLESS or (change is Change.RENAMES and kit.moved == kit.other))
    if change is Change.BREAKS and not kit.hides_failures:
        assert kit.good in {failure.test for failure in found.new}
    if change in {Change.BREAKS, Change.DELETES}:
        assert not found.fixed


def _harmless(kit: Kit, same: Results) -> None:
    assert same.trouble == ""
    assert shown(same, kit.good, kit.bad, kit.other, kit.last) == [PASSED, FAILED, PASSED, PASSED]


def _breaks(kit: Kit, broken: Results) -> None:
    if kit.hides_failures:
        assert broken.trouble
    else:
        assert broken.trouble == ""
        assert shown(broken, kit.good, kit.bad, kit.other, kit.last) == [FAILED, FAILED, PASSED, PASSED]


def _dies(kit: Kit, died: Results) -> None:
    assert PASSED not in shown(died, kit.other)
    if kit.outlives_a_test:
        assert any(failure.test.file == kit.other.file for failure in died.failures)
    else:
        assert died.trouble
        assert PASSED not in shown(died, kit.last)


def _deletes(kit: Kit, less: Results) -> None:
    assert less.trouble == ""
    assert shown(less, kit.good, kit.bad, kit.other, kit.last) == [PASSED, FAILED, ABSENT, PASSED]


def _skips(kit: Kit, skipping: Results) -> None:
    assert skipping.trouble == ""
    gone = ABSENT if kit.names_no_skips else SKIPPED
    assert shown(skipping, kit.good, kit.bad, kit.other, kit.last) == [PASSED, FAILED, gone, PASSED]
    assert bool(skipping.skipped) is (kit.format == "tap" or not kit.names_no_skips)


def _renames(kit: Kit, renamed: Results) -> None:
    assert renamed.trouble == ""
    assert shown(renamed, kit.good, kit.bad, kit.moved) == [PASSED, FAILED, PASSED]
    if kit.moved != kit.other:
        assert shown(renamed, kit.other) == [ABSENT]


CHECKS: Mapping[Change, Callable[[Kit, Results], None]] = {
    Change.HARMLESS: _harmless,
    Change.BREAKS: _breaks,
    Change.DIES: _dies,
    Change.DELETES: _deletes,
    Change.SKIPS: _skips,
    Change.RENAMES: _renames,
}

"""Detect test runners of PHP, Ruby, Perl and shell, and the options to report single tests. Pure."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator

from sessions.first_steps.files import Files, TestCommand, junit_check

_NOT_OWN = re.compile(r"/(bats|bats-core|node_modules|vendor|fixtures?|docs?|examples?)/")
_PERL_BUILDS = ("Makefile.PL", "Build.PL", "dist.ini", "cpanfile")
# Tasks of Rake that run minitest or test-unit, as https://docs.seattlerb.org/minitest and Rake's own manual have them.
_RAKE_TESTS = re.compile(r"\bTestTask\b|^\s*task\s*\(?:?[\"']?test\b", re.MULTILINE)


def script_checks(files: Files) -> Iterator[TestCommand]:
    """Yield the commands of runners of scripting languages that the release's files show in use."""
    for find in (_phpunit, _rspec, _rake, _rspec_in_folders, _perl, _bats):
        if check := find(files):
            yield check


def _phpunit(files: Files) -> TestCommand | None:
    found = files.like("phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml")
    if not found:
        return None
    build = "composer install -q -n" if "composer.json" in files.paths else ""
    # PHPUnit itself, which is in no `vendor` of its own.
    program = "phpunit" if "phpunit" in files.paths else "vendor/bin/phpunit"
    return junit_check(f"php {program} --log-junit {{results}}", f"PHPUnit, as there is {found[0]}", build=build)


def _rspec(files: Files) -> TestCommand | None:
    if not files.like("spec/*_spec.rb"):
        return None
    build, bundled = _bundler(files)
    if "rspec_junit_formatter" in files.text("Gemfile.lock") + files.text("Gemfile"):
        run = f"{bundled}rspec --format RspecJunitFormatter --out {{results}}"
        return junit_check(run, "RSpec, whose Gemfile has a formatter for JUnit", build=build)
    why = "RSpec; with the gem rspec_junit_formatter it would name single tests"
    return TestCommand(name="tests", run=f"{bundled}rspec", why=why, build=build)


def _rspec_in_folders(files: Files) -> TestCommand | None:
    """Return the command for a repository with several gems: RSpec in each, whatever fails in another."""
    gems = {path.partition("/")[0] for path in files.like("*.gemspec") if path.count("/") == 1}
    own = sorted(gem for gem in gems if files.like(f"{gem}/spec/*_spec.rb"))
    if not own or "Gemfile" not in files.paths:
        return None
    names, (build, bundled) = " ".join(map(shlex.quote, own)), _bundler(files)
    run = f'failed=0; for gem in {names}; do (cd "$gem" && {bundled}rspec) || failed=1; done; exit $failed'
    return TestCommand(name="tests", run=run, why=f"RSpec, in each of {len(own)} gems", build=build)


def _rake(files: Files) -> TestCommand | None:
    if not _RAKE_TESTS.search(files.text("Rakefile", "rakefile", "Rakefile.rb")):
        return None
    build, bundled = _bundler(files)
    return TestCommand(name="tests", run=f"{bundled}rake test", why="as the Rakefile has a task test", build=build)


def _bundler(files: Files) -> tuple[str, str]:
    """Return what installs the gems of a Gemfile, and what to put before a gem's command."""
    return ("bundle install --quiet", "bundle exec ") if "Gemfile" in files.paths else ("", "")


def _perl(files: Files) -> TestCommand | None:
    found = next((name for name in _PERL_BUILDS if name in files.paths), None)
    if not found or not files.like("t/*.t"):
        return None
    is_compiled = files.like("*.xs") and "Makefile.PL" in files.paths
    return TestCommand(
        name="tests",
        run=f"prove --verbose {'--blib' if is_compiled else '--lib'} --recurse t",
        why=f"prove, as there is {found}",
        format="tap",
        build="perl Makefile.PL && make" if is_compiled else "",
    )


def _bats(files: Files) -> TestCommand | None:
    own = [path for path in files.like("*.bats") if not _NOT_OWN.search(f"/{path}")]
    if not own:
        return None
    program = "bin/bats" if "bin/bats" in files.paths else "bats"
    folders = sorted({posixpath.dirname(path) or "." for path in own})
    run = f"{program} --tap {' '.join(map(shlex.quote, folders))}"
    return TestCommand(name="tests", run=run, why=f"bats, as there is {own[0]}", format="tap")

"""Detect test runners of other languages, and the options with which they report single tests. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator

from sessions.first_steps.files import Files, TestCommand, inside

_NODE_TESTS = re.compile(r"(?:^|&&|;)\s*node (?:[^&;|]*\s)?--test\b([^&;|]*)")


def runner_checks(files: Files) -> Iterator[TestCommand]:
    """Yield the commands of runners that report single tests and that the release's files show in use."""
    for find in (_ctest, _maven, _gradle, _go, _javascript, _phpunit, _rspec, _bats):
        if check := find(files):
            yield check


def _check(run: str, why: str, **more: str) -> TestCommand:
    return TestCommand(name="tests", run=run, why=why, **{"format": "junit", **more})  # type: ignore[arg-type]  # literals


def _ctest(files: Files) -> TestCommand | None:
    if "CMakeLists.txt" not in files.paths or "enable_testing" not in files.text("CMakeLists.txt"):
        return None
    build = "cmake -S . -B build && cmake --build build -j"
    run = "ctest --test-dir build --output-junit {results}"
    return _check(run, "CTest, as CMakeLists.txt enables it", build=build)


def _maven(files: Files) -> TestCommand | None:
    if "pom.xml" not in files.paths:
        return None
    mvn = "sh ./mvnw" if "mvnw" in files.paths else "mvn"
    # Otherwise, a failing module would keep the modules that depend on it from being tested.
    run = f"{mvn} -B -q -Dmaven.test.failure.ignore=true test"
    return _check(run, "Maven, as there is pom.xml", results="**/target/surefire-reports/TEST-*.xml")


def _gradle(files: Files) -> TestCommand | None:
    found = files.like("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
    if not found:
        return None
    gradle = "sh ./gradlew" if "gradlew" in files.paths else "gradle"
    run = f"{gradle} -q --continue test"
    return _check(run, f"Gradle, as there is {found[0]}", results="**/build/test-results/**/*.xml")


def _go(files: Files) -> TestCommand | None:
    return _check("go test -json ./...", "as there is go.mod", format="go") if "go.mod" in files.paths else None


def _javascript(files: Files) -> TestCommand | None:
    """Return the command of the runner behind ``npm test`` (Vitest, Jest, Mocha or node's own), with a report."""
    try:
        package = json.loads(files.text("package.json"))
    except ValueError:
        return None
    script = inside(package, "scripts", "test")
    packages = {name for key in ("dependencies", "devDependencies") for name in _keys(inside(package, key))}
    script, build = script if isinstance(script, str) else "", _npm(files)
    if "vitest" in packages:
        run = "npx --no-install vitest run --reporter=junit --outputFile={results}"
        return _check(run, "Vitest, as package.json asks for it", build=build)
    if "jest" in packages:
        more = "" if "jest-junit" in packages else " && npm install --no-save --no-audit --no-fund jest-junit"
        run = "JEST_JUNIT_OUTPUT_FILE={results} JEST_JUNIT_ADD_FILE_ATTRIBUTE=true npx --no-install jest --ci"
        return _check(f"{run} --reporters=jest-junit", "Jest, as package.json asks for it", build=build + more)
    if "mocha" in packages and script.startswith("mocha"):
        run = (
            "npx --no-install " + script.split("&&")[0].strip() + " --reporter xunit --reporter-option output={results}"
        )
        return _check(run, "Mocha, as package.json's test runs it", build=build)
    if found := _NODE_TESTS.search(script):
        run = f"node --test --test-reporter=junit --test-reporter-destination={{results}}{found[1].rstrip()}"
        return _check(run, "node's own runner, as package.json's test runs it", build=build if packages else "")
    return None


def _keys(table: object) -> list[str]:
    return list(table) if isinstance(table, dict) else []


def _npm(files: Files) -> str:
    if "pnpm-lock.yaml" in files.paths:
        return "pnpm install --frozen-lockfile --silent"
    if "yarn.lock" in files.paths:
        return "yarn install --frozen-lockfile --silent"
    return "npm ci --no-audit --no-fund" if "package-lock.json" in files.paths else "npm install --no-audit --no-fund"


def _phpunit(files: Files) -> TestCommand | None:
    found = files.like("phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml")
    if not found:
        return None
    build = "composer install -q -n" if "composer.json" in files.paths else ""
    return _check("php vendor/bin/phpunit --log-junit {results}", f"PHPUnit, as there is {found[0]}", build=build)


def _rspec(files: Files) -> TestCommand | None:
    if not files.like("spec/*_spec.rb"):
        return None
    build = "bundle install --quiet" if "Gemfile" in files.paths else ""
    bundled = "bundle exec rspec" if build else "rspec"
    if "rspec_junit_formatter" in files.text("Gemfile.lock") + files.text("Gemfile"):
        run = f"{bundled} --format RspecJunitFormatter --out {{results}}"
        return _check(run, "RSpec, whose Gemfile has a formatter for JUnit", build=build)
    why = "RSpec; with the gem rspec_junit_formatter it would name single tests"
    return TestCommand(name="tests", run=bundled, why=why, build=build)


def _bats(files: Files) -> TestCommand | None:
    own = [
        path for path in files.like("*.bats") if not re.search(r"/(bats|bats-core|node_modules|vendor)/", f"/{path}")
    ]
    if not own:
        return None
    folders = sorted({posixpath.dirname(path) or "." for path in own})
    return _check(f"bats --tap {' '.join(folders)}", f"bats, as there is {own[0]}", format="tap")

"""Detect test runners of compiled languages and JavaScript, and the options to report single tests. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from sessions.first_steps.files import Files, TestCommand, inside, junit_check

_CTEST = re.compile(r"\benable_testing\b|\binclude\s*\(\s*CTest\b", re.IGNORECASE)
_MESON_TEST = re.compile(r"^[ \t]*test[ \t]*\(", re.MULTILINE)
_MOST_MESON = 50
_VITEST = re.compile(r"(?:vitest|vp test)(?: run)?((?: [^&;|]+)?)")  # `vp`: Vite+, which has Vitest in it
_NODE_TESTS = re.compile(r"(?:^|&&|;)\s*node (?:[^&;|]*\s)?--test\b([^&;|]*)")


def runner_checks(files: Files) -> Iterator[TestCommand]:
    """Yield the commands of runners that report single tests and that the release's files show in use."""
    for find in (_ctest, _meson, _maven, _gradle, _go, _javascript):
        if check := find(files):
            yield check


def _ctest(files: Files) -> TestCommand | None:
    if not _CTEST.search(files.text("CMakeLists.txt")):
        return None
    build = "cmake -S . -B build && cmake --build build -j"
    run = "ctest --test-dir build --output-junit {results}"
    return junit_check(run, "CTest, as CMakeLists.txt enables it", build=build)


def _meson(files: Files) -> TestCommand | None:
    if "meson.build" not in files.paths:
        return None
    # Those nearest to the top first: of a large project not every file is read.
    found = sorted(files.like("meson.build", "*/meson.build"), key=lambda path: (path.count("/"), path))[:_MOST_MESON]
    if not any(_MESON_TEST.search(files.text(path)) for path in found):
        return None
    build = "{ test -d build/meson-info || meson setup build; } && meson compile -C build"
    # Meson names no file for its report: it always writes this one.
    results = "build/meson-logs/testlog.junit.xml"
    return junit_check("meson test -C build", "Meson, as its files define tests", build=build, results=results)


def _maven(files: Files) -> TestCommand | None:
    if "pom.xml" not in files.paths:
        return None
    mvn = "sh ./mvnw" if "mvnw" in files.paths else "mvn"
    # Otherwise, a failing module would keep the modules that depend on it from being tested.
    run = f"{mvn} -B -q -Dmaven.test.failure.ignore=true test"
    return junit_check(run, "Maven, as there is pom.xml", results="**/target/surefire-reports/TEST-*.xml")


def _gradle(files: Files) -> TestCommand | None:
    found = files.like("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
    if not found:
        return None
    gradle = "sh ./gradlew" if "gradlew" in files.paths else "gradle"
    run = f"{gradle} -q --continue test"
    return junit_check(run, f"Gradle, as there is {found[0]}", results="**/build/test-results/**/*.xml")


def _go(files: Files) -> TestCommand | None:
    if "go.mod" not in files.paths:
        return None
    return TestCommand(name="tests", run="go test -json ./...", why="as there is go.mod", format="go")


def _javascript(files: Files) -> TestCommand | None:
    """Return the command of the runner behind ``npm test`` (Vitest, Jest, Mocha or node's own), with a report."""
    try:
        package = json.loads(files.text("package.json"))
    except (ValueError, RecursionError):
        return None
    script = inside(package, "scripts", "test")
    packages = {name for key in ("dependencies", "devDependencies") for name in _keys(inside(package, key))}
    script, build = script if isinstance(script, str) else "", _npm(files)
    if "vitest" in packages:
        own = _vitest_options(inside(package, "scripts"))
        run = f"npx --no-install vitest run{own} --reporter=junit --outputFile={{results}}"
        return junit_check(run, "Vitest, as package.json asks for it", build=build)
    if "jest" in packages:
        more = "" if "jest-junit" in packages else " && npm install --no-save --no-audit --no-fund jest-junit"
        run = "JEST_JUNIT_OUTPUT_FILE={results} JEST_JUNIT_ADD_FILE_ATTRIBUTE=true npx --no-install jest --ci"
        return junit_check(f"{run} --reporters=jest-junit", "Jest, as package.json asks for it", build=build + more)
    if "mocha" in packages and script.startswith("mocha"):
        own = re.sub(r"\s(?:--reporter|-R)[ =]\S+", "", script.split("&&")[0].strip())
        run = f"npx --no-install {own} --reporter xunit --reporter-option output={{results}}"
        return junit_check(run, "Mocha, as package.json's test runs it", build=build)
    if found := _NODE_TESTS.search(script):
        run = f"node --test --test-reporter=junit --test-reporter-destination={{results}}{found[1].rstrip()}"
        return junit_check(run, "node's own runner, as package.json's test runs it", build=build if packages else "")
    return None


def _vitest_options(scripts: object) -> str:
    """Return the options with which the project's script for unit tests, or else for all tests, calls Vitest."""
    for name in ("test:unit", "test-unit", "unit", "test"):
        script = inside(scripts, name)
        if isinstance(script, str) and (found := _VITEST.fullmatch(script.strip())):
            return found[1].replace(" --watch", "").rstrip()
    return ""


def _keys(table: object) -> list[str]:
    return list(table) if isinstance(table, dict) else []


def _npm(files: Files) -> str:
    if "pnpm-lock.yaml" in files.paths:
        return "pnpm install --frozen-lockfile --silent"
    if "yarn.lock" in files.paths:
        return "yarn install --frozen-lockfile --silent"
    # Probes have no network: where packages are missing, npm must fail at once, not try again for minutes.
    how = "--prefer-offline --fetch-retries=0 --no-audit --no-fund"
    return f"npm {'ci' if 'package-lock.json' in files.paths else 'install'} {how}"

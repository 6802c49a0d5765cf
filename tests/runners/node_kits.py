"""Kits for the runners of Node.js."""

from __future__ import annotations

from dataclasses import replace

from tests.runners.kit import GOOD, MODULES, OTHER, Change, Kit, Other, test_id


def _missing() -> str:
    return "" if (MODULES / ".package-lock.json").is_file() else f"no npm packages in {MODULES}"


NODE = Kit(
    name="node-junit",
    run="node --test --test-reporter=junit --test-reporter-destination={results}",
    first="tests/a.test.js",
    first_text=f"""const {{ test, describe, it }} = require('node:test');
const assert = require('node:assert');
describe('outer', () => {{
  it('good', () => assert.ok({GOOD}));
  it('bad', () => {{ throw new Error('\\x1b[31mred\\x1b[0m'); }});
}});
""",
    second="tests/b.test.js",
    second_text=f"const {{ test }} = require('node:test');\n{OTHER}test('last', () => {{}});\n",
    renamed="tests/c.test.js",
    passes="true",
    fails="false",
    test=Other(
        passes="test('other', () => {});\n",
        dies="test('other', () => process.kill(process.ppid, 'SIGKILL'));\n",
        skips="test('other', { skip: true }, () => {});\n",
    ),
    good=test_id("unit::outer > good"),
    bad=test_id("unit::outer > bad"),
    other=test_id("unit::other"),
    last=test_id("unit::last"),
    moved=test_id("unit::other"),
    needs=("node",),
)
NODE_TAP = replace(
    NODE,
    name="node-tap",
    run="node --test --test-reporter=tap",
    format="tap",
    way="log",
)
_GLOBAL = {  # jest and mocha define these themselves
    "first_text": f"""describe('outer', () => {{
  it('good', () => {{ if (!{GOOD}) throw new Error('x'); }});
  it('bad', () => {{ throw new Error('\\x1b[31mred\\x1b[0m'); }});
}});
""",
    "second_text": f"{OTHER}it('last', () => {{}});\n",
}
_GLOBAL_TEST = Other(
    passes="it('other', () => {});\n",
    dies="it('other', () => process.exit(0));\n",
    skips="it.skip('other', () => {});\n",
)
JEST = replace(
    NODE,
    name="jest-junit",
    run="node {modules}/jest/bin/jest.js --runInBand --reporters={modules}/jest-junit --testEnvironment node",
    first_text=_GLOBAL["first_text"],
    second_text=_GLOBAL["second_text"],
    test=_GLOBAL_TEST,
    way="reports",
    reports="junit.xml",
    good=test_id("outer good::outer good"),
    bad=test_id("outer bad::outer bad"),
    other=test_id(" other:: other"),
    last=test_id(" last:: last"),
    moved=test_id(" other:: other"),
    files={"package.json": '{"name": "p"}\n'},
    missing=_missing,
)
MOCHA = replace(
    NODE,
    name="mocha-xunit",
    run="node {modules}/mocha/bin/mocha.js --reporter xunit --reporter-option output={results} tests",
    first_text=_GLOBAL["first_text"],
    second_text=_GLOBAL["second_text"],
    test=_GLOBAL_TEST,
    good=test_id("{source}/tests/a.test.js::outer.good"),
    bad=test_id("{source}/tests/a.test.js::outer.bad"),
    other=test_id("{source}/tests/b.test.js::other"),
    last=test_id("{source}/tests/b.test.js::last"),
    moved=test_id("{source}/tests/c.test.js::other"),
    missing=_missing,
)
MOCHA_JUNIT = replace(
    MOCHA,
    name="mocha-junit-reporter",
    run=(
        "node {modules}/mocha/bin/mocha.js --reporter {modules}/mocha-junit-reporter "
        "--reporter-option mochaFile={results} tests"
    ),
    names_no_skips=True,
    good=test_id("good::outer good"),
    bad=test_id("bad::outer bad"),
    other=test_id("other::other"),
    last=test_id("last::last"),
    moved=test_id("other::other"),
)
_IMPORT = "import { describe, it } from 'vitest';\n"
VITEST = replace(
    NODE,
    name="vitest",
    run=(
        "ln -s {modules} node_modules && "
        "node {modules}/vitest/vitest.mjs run --pool=threads --reporter=junit --outputFile={results}"
    ),
    first_text=_IMPORT + _GLOBAL["first_text"],
    second_text=_IMPORT + _GLOBAL["second_text"],
    test=replace(_GLOBAL_TEST, dies="it('other', () => process.kill(process.pid, 'SIGKILL'));\n"),
    good=test_id("tests/a.test.js::outer > good"),
    bad=test_id("tests/a.test.js::outer > bad"),
    other=test_id("tests/b.test.js::other"),
    last=test_id("tests/b.test.js::last"),
    moved=test_id("tests/c.test.js::other"),
    files={"package.json": '{"name": "p", "type": "module"}\n'},
    missing=_missing,
)
PLAYWRIGHT = replace(
    NODE,
    name="playwright",
    run=(
        "ln -s {modules} node_modules && "
        "PLAYWRIGHT_JUNIT_OUTPUT_NAME={results} node {modules}/playwright/cli.js test --workers=1 --reporter=junit"
    ),
    # The same test in two projects: known in one of them, newly failing in the other.
    first_text=f"""const {{ test }} = require('@playwright/test');
test('same', ({{}}, info) => {{
  if (info.project.name === 'two' || !{GOOD}) throw new Error('x');
}});
""",
    second_text=f"const {{ test }} = require('@playwright/test');\n{OTHER}test('last', () => {{}});\n",
    test=Other(
        passes="test('other', () => {});\n",
        dies="test('other', () => process.kill(process.ppid, 'SIGKILL'));\n",
        skips="test.skip('other', () => {});\n",
    ),
    good=test_id("a.test.js::[one] same"),
    bad=test_id("a.test.js::[two] same"),
    other=test_id("b.test.js::[one] other"),
    last=test_id("b.test.js::[one] last"),
    moved=test_id("c.test.js::[one] other"),
    files={
        "package.json": '{"name": "p"}\n',
        "playwright.config.js": "module.exports = {testDir: 'tests', projects: [{name: 'one'}, {name: 'two'}]};\n",
    },
    missing=_missing,
    changes=(Change.NONE, Change.BREAKS, Change.DIES),  # each takes ten seconds
)
TAPE = replace(
    NODE_TAP,
    name="tape",
    run="for f in tests/*.js; do NODE_PATH={modules} node $f || bad=1; done; exit $bad",
    first_text=f"""const test = require('tape');
test('first', t => {{ t.ok({GOOD}, 'good'); t.ok(false, 'bad'); t.end(); }});
""",
    second_text=f"const test = require('tape');\n{OTHER}test('third', t => {{ t.ok(true, 'last'); t.end(); }});\n",
    test=Other(
        passes="test('second', t => { t.ok(true, 'other'); t.end(); });\n",
        dies="test('second', t => process.exit(0));\n",
        skips="test('second', t => { t.ok(true, 'other', { skip: true }); t.end(); });\n",
    ),
    good=test_id("unit::first > good"),
    bad=test_id("unit::first > bad"),
    other=test_id("unit::second > other"),
    last=test_id("unit::third > last"),
    moved=test_id("unit::second > other"),
    missing=_missing,
    outlives_a_test=True,
)
KITS = (NODE, NODE_TAP, JEST, MOCHA, MOCHA_JUNIT, VITEST, PLAYWRIGHT, TAPE)

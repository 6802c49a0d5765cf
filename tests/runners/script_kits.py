"""Kits for the runners of scripts: bats, Perl's prove, PHPUnit and RSpec."""

from __future__ import annotations

import subprocess
from dataclasses import replace

from tests.runners.kit import GOOD, OTHER, Kit, Other, test_id

BATS = Kit(
    name="bats-junit",
    run="bats --report-formatter junit --output . tests; status=$?; mv report.xml {results}; exit $status",
    first="tests/a.bats",
    first_text=f'@test "good" {{\n  {GOOD}\n}}\n@test "bad" {{\n  false\n}}\n',
    second="tests/b.bats",
    second_text=f'{OTHER}@test "last" {{\n  true\n}}\n',
    renamed="tests/c.bats",
    passes="true",
    fails="false",
    test=Other(
        passes='@test "other" {\n  true\n}\n',
        dies='@test "other" {\n  kill -KILL 0\n}\n',
        skips='@test "other" {\n  skip no\n}\n',
    ),
    good=test_id("a.bats::good"),
    bad=test_id("a.bats::bad"),
    other=test_id("b.bats::other"),
    last=test_id("b.bats::last"),
    moved=test_id("c.bats::other"),
    needs=("bats",),
)
BATS_TAP = replace(
    BATS,
    name="bats-tap",
    run="bats --tap tests",
    format="tap",
    way="log",
    good=test_id("unit::good"),
    bad=test_id("unit::bad"),
    other=test_id("unit::other"),
    last=test_id("unit::last"),
    moved=test_id("unit::other"),
)
_PERL = "use strict;\nuse Test::More;\n"
PROVE = Kit(
    name="prove",
    run="prove -v t",
    format="tap",
    way="log",
    first="t/a.t",
    first_text=f"{_PERL}ok({GOOD}, 'good');\nok(0, 'bad');\ndone_testing;\n",
    second="t/b.t",
    second_text=f"{_PERL}{OTHER}ok(1, 'last');\ndone_testing;\n",
    renamed="t/c.t",
    passes="1",
    fails="0",
    test=Other(
        passes="ok(1, 'other');\n",
        dies="exit 0;\n",
        skips="SKIP: { skip 'not here', 1; }\n",
    ),
    good=test_id("t/a.t::good"),
    bad=test_id("t/a.t::bad"),
    other=test_id("t/b.t::other"),
    last=test_id("t/b.t::last"),
    moved=test_id("t/c.t::other"),
    needs=("prove",),
    names_no_skips=True,
    outlives_a_test=True,
)
_PHP = "<?php\nuse PHPUnit\\Framework\\TestCase;\nfinal class {} extends TestCase {{\n"
PHPUNIT = Kit(
    name="phpunit",
    run="phpunit --log-junit {results} tests",
    first="tests/ATest.php",
    first_text=(
        f"{_PHP.format('ATest')}"
        f"  public function testGood(): void {{ $this->assertTrue({GOOD}); }}\n"
        "  public function testBad(): void { $this->assertTrue(false); }\n}\n"
    ),
    second="tests/BTest.php",
    second_text=f"{_PHP.format('BTest')}{OTHER}  public function testLast(): void {{ $this->assertTrue(true); }}\n}}\n",
    renamed="tests/sub/BTest.php",
    passes="true",
    fails="false",
    test=Other(
        passes="  public function testOther(): void { $this->assertTrue(true); }\n",
        dies="  public function testOther(): void { exit(0); }\n",
        skips="  public function testOther(): void { $this->markTestSkipped('no'); }\n",
    ),
    good=test_id("{source}/tests/ATest.php::testGood"),
    bad=test_id("{source}/tests/ATest.php::testBad"),
    other=test_id("{source}/tests/BTest.php::testOther"),
    last=test_id("{source}/tests/BTest.php::testLast"),
    moved=test_id("{source}/tests/sub/BTest.php::testOther"),
    needs=("phpunit",),
)


def _no_formatter() -> str:
    done = subprocess.run(["ruby", "-e", "require 'rspec_junit_formatter'"], capture_output=True, check=False)
    return "ruby-rspec-junit-formatter is not installed" if done.returncode else ""


RSPEC = Kit(
    name="rspec",
    run="rspec --require rspec_junit_formatter --format RspecJunitFormatter --out {results}",
    first="spec/a_spec.rb",
    first_text=(
        f"RSpec.describe 'first' do\n  it('good') {{ expect({GOOD}).to eq 1 }}\n"
        "  it('bad') { expect(1).to eq 2 }\nend\n"
    ),
    second="spec/b_spec.rb",
    second_text=f"RSpec.describe 'second' do\n{OTHER}  it('last') {{}}\nend\n",
    renamed="spec/c_spec.rb",
    passes="1",
    fails="2",
    test=Other(
        passes="  it('other') {}\n",
        dies="  it('other') { exit!(0) }\n",
        skips="  xit('other') {}\n",
    ),
    good=test_id("spec/a_spec.rb::first good"),
    bad=test_id("spec/a_spec.rb::first bad"),
    other=test_id("spec/b_spec.rb::second other"),
    last=test_id("spec/b_spec.rb::second last"),
    moved=test_id("spec/c_spec.rb::second other"),
    needs=("rspec", "ruby"),
    missing=_no_formatter,
)
KITS = (BATS, BATS_TAP, PROVE, PHPUNIT, RSPEC)

"""Kits for the runners of compiled languages and of builds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.runners.kit import GOOD, OTHER, Change, Kit, Other, test_id

_SCRIPTS = {
    "first_text": f"add_test(NAME good COMMAND {GOOD})\nadd_test(NAME bad COMMAND false)\n",
    "second_text": f"{OTHER}add_test(NAME last COMMAND true)\n",
}
CTEST = Kit(
    name="ctest",
    run="cmake -S . -B build > /dev/null && cd build && ctest --output-junit {results}",
    first="first.cmake",
    first_text=_SCRIPTS["first_text"],
    second="second.cmake",
    second_text=_SCRIPTS["second_text"],
    renamed="third.cmake",
    passes="true",
    fails="false",
    test=Other(
        passes="add_test(NAME other COMMAND true)\n",
        dies='add_test(NAME other COMMAND sh -c "kill -KILL $PPID")\n',
        skips=(
            'add_test(NAME other COMMAND sh -c "exit 77")\nset_tests_properties(other PROPERTIES SKIP_RETURN_CODE 77)\n'
        ),
    ),
    good=test_id("good::good"),
    bad=test_id("bad::bad"),
    other=test_id("other::other"),
    last=test_id("last::last"),
    moved=test_id("other::other"),
    files={
        "CMakeLists.txt": (
            "cmake_minimum_required(VERSION 3.21)\nproject(p NONE)\nenable_testing()\n"
            "include(first.cmake)\ninclude(second.cmake)\n"
        )
    },
    mentions=("CMakeLists.txt",),
    needs=("cmake", "ctest"),
)
# What CTest cannot start it writes as skipped.
CTEST_NOT_RUN = replace(CTEST, name="ctest-not-run", fails="/nowhere/at/all")
MESON = replace(
    CTEST,
    name="meson",
    run="meson setup build > /dev/null && meson test -C build; status=$?; "
    "cp build/meson-logs/testlog.junit.xml {results}; exit $status",
    first="first/meson.build",
    first_text=f"test('good', find_program('{GOOD}'))\ntest('bad', find_program('false'))\n",
    second="second/meson.build",
    second_text=f"{OTHER}test('last', find_program('true'))\n",
    renamed="third/meson.build",
    test=Other(
        passes="test('other', find_program('true'))\n",
        dies="test('other', find_program('sh'), args: ['-c', 'kill -KILL $PPID'], is_parallel: false)\n",
        skips="test('other', find_program('sh'), args: ['-c', 'exit 77'])\n",
    ),
    good=test_id("p::good"),
    bad=test_id("p::bad"),
    other=test_id("p::other"),
    last=test_id("p::last"),
    moved=test_id("p::other"),
    files={
        "meson.build": (
            "project('p')\nfs = import('fs')\nsubdir('first')\nif fs.exists('second/meson.build')\n"
            "  subdir('second')\nelse\n  subdir('third')\nendif\n"
        )
    },
    mentions=(),
    needs=("meson", "ninja"),
)
# A test that takes too long is written as one that passed.
MESON_TIMEOUT = replace(
    MESON,
    name="meson-timeout",
    first_text=(
        f"test('good', find_program('sleep'), args: ['{GOOD}'], timeout: 1)\n"
        "test('bad', find_program('false'), suite: 'unit')\n"
    ),
    passes="0",
    fails="9",
    hides_failures=True,
)
# Each text is compiled once, for all variants.
_COMPILE = (
    "for file in *.cc; do object={cache}/$(basename $file .cc)-$(cksum < $file | tr ' ' -).o; "
    "test -e $object || g++ -O0 -c $file -o $object; cp $object . || exit; done"
)
_GTEST = "#include <gtest/gtest.h>\n#include <cstdlib>\n"
GTEST = replace(
    CTEST,
    name="googletest",
    run=f"{_COMPILE} && g++ *.o -lgtest -lgtest_main -lpthread -o all && ./all --gtest_output=xml:{{results}}",
    first="a.cc",
    first_text=f"{_GTEST}TEST(A, Good) {{ EXPECT_TRUE({GOOD}); }}\nTEST(A, Bad) {{ EXPECT_EQ(1, 2); }}\n",
    second="b.cc",
    second_text=f"{_GTEST}{OTHER}TEST(B, Last) {{}}\n",
    renamed="c.cc",
    test=Other(
        passes="TEST(B, Other) {}\n", dies="TEST(B, Other) { _Exit(0); }\n", skips="TEST(B, Other) { GTEST_SKIP(); }\n"
    ),
    good=test_id("a.cc::A.Good"),
    bad=test_id("a.cc::A.Bad"),
    other=test_id("b.cc::B.Other"),
    last=test_id("b.cc::B.Last"),
    moved=test_id("c.cc::B.Other"),
    files={},
    mentions=(),
    needs=("g++",),
    missing=lambda: "" if Path("/usr/include/gtest/gtest.h").is_file() else "libgtest-dev is not installed",
)
_CATCH = "#include <catch2/catch.hpp>\n#include <cstdlib>\n"
CATCH2 = replace(
    GTEST,
    name="catch2",
    run=f"{_COMPILE} && g++ *.o -o all && ./all -r junit -o {{results}}",
    first_text=f'{_CATCH}TEST_CASE("good") {{ REQUIRE({GOOD}); }}\nTEST_CASE("bad") {{ CHECK(1 == 2); }}\n',
    second_text=f'{_CATCH}{OTHER}TEST_CASE("last") {{ REQUIRE(true); }}\n',
    test=Other(
        passes='TEST_CASE("other") { REQUIRE(true); }\n',
        dies='TEST_CASE("other") { _Exit(0); }\n',
        skips="",
    ),
    good=test_id("all.global::good"),
    bad=test_id("all.global::bad"),
    other=test_id("all.global::other"),
    last=test_id("all.global::last"),
    moved=test_id("all.global::other"),
    files={"main.cc": "#define CATCH_CONFIG_MAIN\n#include <catch2/catch.hpp>\n"},
    missing=lambda: "" if Path("/usr/include/catch2/catch.hpp").is_file() else "catch2 is not installed",
    changes=tuple(change for change in Change if change is not Change.SKIPS),  # its second version cannot
)
_GO = 'package p\n\nimport (\n\t"os"\n\t"testing"\n)\n\nvar _ = os.Exit\n\n'
GO = replace(
    CTEST,
    name="go",
    run="go test -json ./...",
    format="go",
    way="log",
    first="a/a_test.go",
    first_text=(
        f"{_GO}func TestGood(t *testing.T) {{\n\tif !{GOOD} {{\n\t\tt.Fail()\n\t}}\n}}\n"
        'func TestBad(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Fail() }) }\n'
    ),
    second="b/b_test.go",
    second_text=f"{_GO}{OTHER}func TestZLast(t *testing.T) {{}}\n",
    renamed="c/b_test.go",
    test=Other(
        passes="func TestOther(t *testing.T) {}\n",
        dies="func TestOther(t *testing.T) { os.Exit(1) }\n",
        skips='func TestOther(t *testing.T) { t.Skip("no") }\n',
    ),
    good=test_id("example.org/p/a::TestGood"),
    bad=test_id("example.org/p/a::TestBad/sub"),
    other=test_id("example.org/p/b::TestOther"),
    last=test_id("example.org/p/b::TestZLast"),
    moved=test_id("example.org/p/c::TestOther"),
    files={"go.mod": "module example.org/p\n\ngo 1.19\n"},
    mentions=(),
    needs=("go",),
    environment={"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOCACHE": "{cache}/go"},
    outlives_a_test=True,
)
KITS = (CTEST, CTEST_NOT_RUN, MESON, MESON_TIMEOUT, GTEST, CATCH2, GO)

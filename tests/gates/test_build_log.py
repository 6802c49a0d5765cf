from __future__ import annotations

import pytest

from sessions.gates.build_log import NamedFiles, first_error, named_files, same_error

TRACKED = (
    "Makefile",
    "lib/Makefile",
    "meson.build",
    "src/CMakeLists.txt",
    "src/main.c",
    "src/parse.c",
    "src/parse.h",
    "src/sage/rings/ring.pyx",
    "src/sage/all.py",
    "src/App.java",
    "src/main.rs",
    "pkg/api/api.go",
    "setup.py",
    "a/util.c",
    "b/util.c",
    "c/util.c",
    "d/util.c",
)


@pytest.mark.parametrize(
    ("log", "files"),
    [
        pytest.param("src/main.c:3:5: error: expected ';'\nmake: *** [Makefile:3: main.o] Error 1\n", "src/main.c"),
        pytest.param("/build/b-1/src/main.c:3:5: fatal error: x.h: No such file or directory", "src/main.c"),
        pytest.param("main.c:3:5: error: expected ';'", "src/main.c", id="from a folder below"),
        pytest.param("../../src/main.c:3:5: error: expected ';'", "src/main.c", id="from a folder above"),
        pytest.param("src/main.c(12): error C2065: 'x': undeclared identifier", "src/main.c", id="MSVC"),
        pytest.param("/usr/bin/ld: src/parse.o: in function `f':\nsrc/parse.c:(.text+0x5): undefined reference to `g'",
                     "src/parse.c", id="linker"),
        pytest.param("/usr/bin/ld: parse.o: undefined reference to `g'", "src/parse.c", id="linker, an object alone"),
        pytest.param("ld: x.dir/src/parse.c.o: multiple definition of `g'", "src/parse.c", id="CMake's object"),
        pytest.param("Error compiling Cython file:\n---\n...\n    foo()\n   ^\n---\n\n"
                     "sage/rings/ring.pyx:12:4: undeclared name not builtin: foo\n", "src/sage/rings/ring.pyx"),
        pytest.param('../meson.build:12:0: ERROR: Unknown variable "x".', "meson.build"),
        pytest.param("make: *** No rule to make target 'src/parse.h', needed by 'other.o'.  Stop.", "src/parse.h"),
        pytest.param("lib/Makefile:3: *** missing separator.  Stop.", "lib/Makefile"),
        pytest.param("CMake Error at src/CMakeLists.txt:3 (add_library):\n  Cannot find", "src/CMakeLists.txt"),
        pytest.param("ninja: error: '../src/parse.c', needed by 'p.o', missing and no known rule", "src/parse.c"),
        pytest.param('  File "/tmp/pip-req-1/setup.py", line 3, in <module>\nNameError: name \'x\' is not defined\n'
                     "error: subprocess-exited-with-error", "setup.py", id="setuptools"),
        pytest.param("[ERROR] /build/src/App.java:[3,5] ';' expected", "src/App.java", id="Maven"),
        pytest.param("src/App.java:3: error: ';' expected", "src/App.java", id="javac"),
        pytest.param("error[E0425]: cannot find value `x`\n --> src/main.rs:3:5\n", "src/main.rs", id="rustc"),
        pytest.param("# example.org/pkg/api\npkg/api/api.go:3:2: undefined: y", "pkg/api/api.go", id="Go"),
        pytest.param("[lib-1.0] src/main.c:3:5: \x1b[31merror:\x1b[0m no", "src/main.c", id="colours, Sage's prefix"),
    ],
)  # fmt: skip
def test_a_failed_build_names_the_file_of_its_first_error(log: str, files: str) -> None:
    before = "gcc -Werror -c src/main.c src/parse.c setup.py\nsrc/parse.h:3:5: warning: unused\nchecking for strerror\n"
    assert named_files(before + log, TRACKED).first == (files,)
    assert same_error([before + log, before + log])


def test_later_errors_and_what_includes_the_first_come_after_it() -> None:
    log = "In file included from src/main.c:1:\nsrc/parse.h:2:1: error: no\nmake: *** [lib/Makefile:9: x] Error 1\n"
    assert named_files(log, TRACKED) == NamedFiles(first=("src/parse.h",), others=("src/main.c", "lib/Makefile"))


def test_a_log_without_an_error_names_no_file_and_neither_does_a_name_that_many_have() -> None:
    assert named_files("compiling src/main.c\nsrc/parse.c:3:5: warning: unused\n", TRACKED) == NamedFiles()
    assert named_files("util.c:3:5: error: no", TRACKED) == NamedFiles()
    assert first_error("compiling src/main.c\nmake: *** [all] Error 2\n") == ""


def test_times_addresses_and_temporary_folders_do_not_make_two_errors_of_one() -> None:
    logs = [
        "2026-11-26T10:00:00 /tmp/cc81/a.o: error: bad value 0x7ffe12 after 3.2s",
        "2026-11-27T11:30:07 /tmp/ccx9/a.o: error: bad value 0x5581aa after 14s",
    ]
    assert same_error(logs) == first_error(logs[0]) != ""


@pytest.mark.parametrize(
    "logs",
    [
        ["a.c:1:2: error: no"],
        ["a.c:1:2: error: no", "a.c:1:3: error: no"],
        ["make: *** [all] Error 2"] * 2,
        ["gcc: fatal error: Killed signal terminated program cc1"] * 2,
        ["a.c:1:2: internal compiler error: Segmentation fault\n"] * 2,
        ["fatal error: error writing to /tmp/x.s: No space left on device"] * 2,
        ["error: could not resolve host: example.org"] * 2,
    ],
)
def test_what_proves_nothing_is_no_error_that_comes_again(logs: list[str]) -> None:
    assert same_error(logs) == ""

from __future__ import annotations

import pytest

from sessions.first_steps.commands import dockerfile, how_documented, how_tested
from sessions.first_steps.files import Files

UNITTEST = "import unittest\n"
UNDER, UNDER_TOO = "tests/**/test_*.py", "tests/**/*_test.py"


def of(texts: dict[str, str]) -> Files:
    return Files(frozenset(texts), texts.__getitem__)


@pytest.mark.parametrize(
    ("texts", "run", "kind", "globs"),
    [
        ({"tests/test_a.py": "", "pyproject.toml": "[tool.pytest.ini_options]"}, "-m pytest", "junit", UNDER),
        ({"tests/a_test.py": "", "tox.ini": "[pytest]\n"}, "-m pytest", "junit", UNDER_TOO),
        ({"tests/a_test.py": "", "tox.ini": "[testenv]\ncommands = pytest"}, "-m pytest", "junit", UNDER_TOO),
        ({"test_a.py": UNITTEST}, "-m pytest", "junit", "/test_*.py"),
        ({"src/p/__init__.py": "", "tests/test_a.py": ""}, "PYTHONPATH=src python3 -m pytest", "junit", UNDER),
        ({"tox.ini": "[tox]\n"}, "python3 -m tox run -q -e py", "exit", None),
        ({"noxfile.py": "@nox.session\ndef test(session):\n    ..."}, "python3 -m nox -s test", "exit", None),
        ({"noxfile.py": "@nox.session(\n    python='3',\n)\ndef tests(s):\n  ..."}, "-m nox -s tests", "exit", None),
        ({"Makefile": "CC := cc\ncheck: all\n\t./t\n"}, "make check", "exit", None),
        ({"Makefile": "test:\n\t./t\n"}, "make test", "exit", None),
        ({"configure.ac": "", "Makefile.am": ""}, "make -j {jobs} check", "exit", None),
        ({"CMakeLists.txt": "enable_testing()"}, "--output-junit {results}", "junit", None),
        ({"Cargo.toml": ""}, "cargo test", "exit", None),
        ({"go.mod": ""}, "go test -json ./...", "go", None),
    ],
)  # fmt: skip
def test_how_a_project_is_tested(texts: dict[str, str], run: str, kind: str, globs: str | None) -> None:
    check = how_tested(of(texts))
    assert check
    assert run in check.run
    assert (check.format, check.files) == (kind, (globs,) if globs else ())


@pytest.mark.parametrize("texts", [{}, {"README": "test:"}, {"Makefile": "test := 1\nall:\n"}, {"CMakeLists.txt": ""}])
def test_no_command_is_invented(texts: dict[str, str]) -> None:
    assert how_tested(of(texts)) is None


def test_what_the_tests_need_is_asked_for_once_and_nothing_of_other_topics() -> None:
    pyproject = """
    [project]
    dependencies = ["attrs>=20", "tomli; python_version < '3.11'"]
    [dependency-groups]
    test = ["pytest>=8", {include-group = "more"}]
    more = ["pretend"]
    dev = [{include-group = "test"}, "black"]
    docs = ["furo"]
    """
    project = of({"pyproject.toml": pyproject, "tests/test_a.py": "", "docs/conf.py": ""})
    tests, docs = how_tested(project), how_documented(project)
    assert tests
    assert docs
    assert tests.needs == ("attrs>=20", 'tomli; python_version < "3.11"', "pytest>=8", "pretend")
    assert set(docs.needs) - set(tests.needs) == {"furo", "sphinx"}


def test_files_of_requirements_may_hold_options_and_comments() -> None:
    text = "-r more.txt\n# all\npytest  # the runner\nhttps://example.org/x.tar.gz\n./here\nre-assert\n"
    check = how_tested(
        of({"requirements-dev.txt": text, "a_test.py": "", "setup.cfg": "[options]\ninstall_requires =\n  cfgv\n"})
    )
    assert check
    assert check.needs == ("cfgv", "pytest", "re-assert")


@pytest.mark.parametrize(
    "broken", ["[tool", "[dependency-groups]\ntest = 1\n", "project = 3\n", "[project]\ndependencies = [1]\n"]
)
def test_a_broken_file_of_settings_is_passed_over(broken: str) -> None:
    check = how_tested(of({"pyproject.toml": broken, "setup.cfg": "nonsense", "test_a.py": ""}))
    assert check
    assert check.needs == ("pytest",)


def test_how_the_manual_is_made() -> None:
    sphinx = how_documented(of({"doc/source/conf.py": "", "doc/source/examples/deep/conf.py": ""}))
    assert sphinx
    assert "-m sphinx -q -b html doc/source " in sphinx.run
    mkdocs = how_documented(of({"mkdocs.yml": ""}))
    assert mkdocs
    assert "-m mkdocs build" in mkdocs.run
    assert how_documented(of({"docs/index.md": ""})) is None


def test_the_dockerfile_and_where_the_source_lies_in_its_image() -> None:
    text = "FROM a AS b\nWORKDIR /build\nFROM c\nworkdir /app\nCOPY . .\n"
    assert dockerfile(of({"Dockerfile": text, "docker/Dockerfile": ""})) == ("Dockerfile", "/app")
    assert dockerfile(of({"docker/Dockerfile": "WORKDIR $HOME\n"})) == ("docker/Dockerfile", "/source")
    assert dockerfile(of({"testing/zipapp/Dockerfile": ""})) is None

from __future__ import annotations

import pytest

from sessions.first_steps.commands import dockerfile, how_documented, how_tested, how_tested_in
from sessions.first_steps.files import Files
from sessions.first_steps.pins import as_of

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
        ({"CMakeLists.txt": "include(CTest)"}, "--output-junit {results}", "junit", None),
        ({"Cargo.toml": ""}, "cargo test -q --no-fail-fast", "exit", None),
        ({"Cargo.toml": "[workspace]\n"}, " --workspace", "exit", None),
        ({"Makefile.PL": "", "t/a.t": ""}, "prove --verbose --lib --recurse t", "tap", None),
        ({"Makefile.PL": "", "t/a.t": "", "A.xs": ""}, "prove --verbose --blib --recurse t", "tap", None),
        ({"Rakefile": "Minitest::TestTask.create\n", "Gemfile": ""}, "bundle exec rake test", "exit", None),
        (
            {"bin/bats": "", "test/a.bats": "", "test/fixtures/b.bats": "", "docs/examples/c.bats": ""},
            "bin/bats --tap test",
            "tap",
            None,
        ),
        ({"go.mod": ""}, "go test -json ./...", "go", None),
    ],
)  # fmt: skip
def test_how_a_project_is_tested(texts: dict[str, str], run: str, kind: str, globs: str | None) -> None:
    check = how_tested(of(texts))
    assert check
    assert run in check.run
    assert (check.format, check.files) == (kind, (globs,) if globs else ())


JUNIT_RUNNERS = [
    ({"pom.xml": "", "mvnw": ""}, "sh ./mvnw -B -q -Dmaven.test.failure.ignore=true test"),
    ({"build.gradle.kts": "", "gradlew": ""}, "sh ./gradlew -q --continue test"),
    ({"package.json": '{"devDependencies": {"vitest": "3"}}'}, "vitest run --reporter=junit --outputFile={results}"),
    ({"package.json": '{"devDependencies": {"jest": "30"}}'}, "JEST_JUNIT_OUTPUT_FILE={results} "),
    (
        {"package.json": '{"scripts": {"test": "mocha spec && x"}, "devDependencies": {"mocha": "11"}}'},
        "mocha spec --reporter xunit --reporter-option output={results}",
    ),
    (
        {"package.json": '{"scripts": {"test": "node --test test/"}}'},
        "node --test --test-reporter=junit --test-reporter-destination={results} test/",
    ),
    (
        {"package.json": '{"scripts": {"test": "mocha -R spec x"}, "devDependencies": {"mocha": "11"}}'},
        "mocha x --reporter xunit",
    ),
    (
        {"package.json": '{"scripts": {"test-unit": "vp test --project unit*"}, "devDependencies": {"vitest": "3"}}'},
        "vitest run --project unit* --reporter=junit",
    ),
    ({"phpunit.xml": "", "phpunit": ""}, "php phpunit --log-junit {results}"),
    ({"phpunit.xml.dist": "", "composer.json": ""}, "php vendor/bin/phpunit --log-junit {results}"),
    ({"spec/a_spec.rb": "", "Gemfile": "gem 'rspec_junit_formatter'"}, "--format RspecJunitFormatter --out {results}"),
]


@pytest.mark.parametrize(("texts", "run"), JUNIT_RUNNERS)
def test_runners_of_other_languages_name_single_tests(texts: dict[str, str], run: str) -> None:
    check = how_tested(of(texts))
    assert check
    assert run in check.run
    assert check.format == "junit"
    assert ("{results}" in check.run) is not bool(check.results)


def test_runners_that_print_their_results() -> None:
    bats = how_tested(of({"test/a.bats": "", "test/bats/test/b.bats": "", "Makefile": "test:\n"}))
    assert bats
    assert (bats.run, bats.format) == ("bats --tap test", "tap")
    spec = how_tested(of({"spec/a_spec.rb": ""}))
    assert spec
    assert (spec.run, spec.format) == ("rspec", "exit")


def test_a_package_json_that_is_none_is_passed_over() -> None:
    for text in ("{", "[]", '{"scripts": 3, "devDependencies": ["jest"]}', '{"devDependencies": 7}'):
        check = how_tested(of({"package.json": text}))
        assert check
        assert check.run in ("npm test", "npx --no-install jest") or "jest" in check.run


@pytest.mark.parametrize(
    "settings",
    [
        {"backend/pytest.ini": "[pytest]\n"},
        {"backend/pyproject.toml": "[tool.pytest.ini_options]\n"},
        {"backend/setup.cfg": "[tool:pytest]\n"},
        {"backend/tox.ini": "[pytest]\n"},
    ],
)
def test_settings_in_a_subfolder_are_where_pytest_works(settings: dict[str, str]) -> None:
    check = how_tested(
        of({**settings, "backend/tests/test_a.py": "", "backend/tests/test_b.py": "", "tools/test_c.py": ""})
    )
    assert check
    assert check.run.startswith("cd backend && python3 -m pytest ")
    assert "{files}" not in check.run
    assert check.files == ()


def test_settings_of_a_few_tests_in_a_subfolder_are_not_the_projects() -> None:
    check = how_tested(of({"ex/pytest.ini": "[pytest]\n", "ex/test_a.py": "", "t/test_b.py": "", "t/test_c.py": ""}))
    assert check
    assert check.run.startswith("python3 -m pytest ")


def test_files_are_those_that_pytest_would_find() -> None:
    pyproject = """
    [tool.pytest.ini_options]
    testpaths = ["tests", "more/tests"]
    norecursedirs = ["data"]
    python_files = ["check_*.py", "test_*.py"]
    """
    paths = ("tests/a/test_a.py", "more/tests/check_b.py", "examples/test_c.py", "tests/data/test_d.py", "tests/x.py")
    check = how_tested(of({"pyproject.toml": pyproject, **dict.fromkeys(paths, "")}))
    assert check
    assert check.files == ("more/tests/**/check_b.py", "tests/**/test_*.py", "!**/data/**")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ('addopts = "-n auto --cov=p"', {"pytest-xdist", "pytest-cov"}),
        ('addopts = ["--timeout=3", "--reruns", "2"]', {"pytest-timeout", "pytest-rerunfailures"}),
        ('asyncio_mode = "auto"', {"pytest-asyncio"}),
        ('required_plugins = ["pytest-foo>=2"]', {"pytest-foo>=2"}),
        ('DJANGO_SETTINGS_MODULE = "p.settings"', {"pytest-django"}),
        ('addopts = "-ra -k node"', set()),
    ],
)
def test_plugins_that_the_settings_are_for_are_asked_for(settings: str, wanted: set[str]) -> None:
    check = how_tested(of({"pyproject.toml": f"[tool.pytest.ini_options]\n{settings}\n", "tests/test_a.py": ""}))
    assert check
    assert set(check.needs) == {"pytest", *wanted}


def test_what_the_settings_need_of_pytest_is_left_to_them() -> None:
    check = how_tested(of({"pytest.ini": "[pytest]\naddopts = --ff -p no:junitxml\n", "test_a.py": ""}))
    assert check
    assert "no:cacheprovider" not in check.run
    assert "-p junitxml --junit-xml {results}" in check.run


def test_a_version_that_comes_from_tags_is_given_to_the_build() -> None:
    pyproject = """
    [build-system]
    requires = ["hatchling", "hatch-vcs"]
    [project]
    name = "p"
    dynamic = ["version"]
    """
    project = of({"pyproject.toml": pyproject, "src/p/__init__.py": "", "tests/test_a.py": "", "docs/conf.py": ""})
    tests, docs = how_tested(project, "2.1"), how_documented(project, "2.1")
    assert tests
    assert docs
    assert tests.build == docs.build
    assert tests.build.startswith("SETUPTOOLS_SCM_PRETEND_VERSION=2.1 python3 -m pip install ")
    assert "--target build/integrand ./" in tests.build
    assert tests.run.startswith("PYTHONPATH=build/integrand python3 -m pytest")
    assert docs.run.startswith("PYTHONPATH=build/integrand python3 -m sphinx")
    assert {"hatchling", "hatch-vcs"} < set(tests.needs)


@pytest.mark.parametrize(
    ("texts", "installed"),
    [
        ({"p/__init__.py": "from importlib.metadata import version\n"}, True),
        ({"docs/conf.py": "version = get_version('p')\n"}, True),
        ({"pyproject.toml": "[project]\n[project.entry-points.x]\na = 'p'\n"}, True),
        ({"p/__init__.py": "__version__ = '1'\n"}, False),
    ],
)
def test_a_project_is_installed_where_its_metadata_is_asked_for(texts: dict[str, str], installed: bool) -> None:
    check = how_tested(of({"pyproject.toml": "[project]\nname = 'p'\n", "tests/test_a.py": "", **texts}))
    assert check
    assert ("pip install" in check.build) is installed


def test_modules_in_c_are_built_in_place() -> None:
    check = how_tested(of({"setup.py": "setup(ext_modules=[Extension('p._c', ['c.c'])])", "tests/test_a.py": ""}))
    assert check
    assert check.build == "python3 setup.py -q build_ext --inplace"


def test_no_module_in_c_and_no_build() -> None:
    check = how_tested(of({"setup.py": "setup(ext_modules=[])", "tests/test_a.py": ""}))
    assert check
    assert check.build == ""


def test_of_several_manuals_the_sources_are_taken() -> None:
    check = how_documented(of({"doc/api/conf.py": "", "doc/src/conf.py": ""}))
    assert check
    assert " doc/src " in check.run


def test_packages_are_taken_at_the_versions_of_the_lock() -> None:
    lock = """
    [[package]]
    name = "pytest"
    version = "8.4.2"
    resolution-markers = ["python_full_version < '3.10'"]
    [[package]]
    name = "pytest"
    version = "9.0.2"
    resolution-markers = ["python_full_version >= '3.10'"]
    [[package]]
    name = "Zope.Interface"
    version = "7.0"
    [[package]]
    name = "twice"
    version = "1"
    [[package]]
    name = "twice"
    version = "2"
    """
    pyproject = (
        "[dependency-groups]\ntest = ['pytest', 'zope-interface>=5; python_version > \"3\"', 'twice', 'other<3']\n"
    )
    check = how_tested(of({"pyproject.toml": pyproject, "uv.lock": lock, "test_a.py": ""}))
    assert check
    assert check.needs == ("pytest==9.0.2", 'zope-interface==7.0; python_version > "3"', "twice", "other<3")


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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("poetry.lock", "[[package]]\nname = 'pytest'\nversion = '7.4.4'\n"),
        ("pylock.toml", "[[packages]]\nname = 'PyTest'\nversion = '7.4.4'\nmarker = 'python_version > \"3\"'\n"),
        ("constraints.txt", "# all\npytest==7.4.4 ; python_version > '3'\npytest==4.6 ; python_version < '3'\n"),
        ("requirements/ci.txt", "pytest==7.4.4 --hash=sha256:00 \\\n    --hash=sha256:11\n"),
        ("requirements_dev.txt", "pytest==7.4.4 \\\n    --hash=sha256:11\n"),
    ],
)
def test_pytest_is_taken_at_the_version_of_the_releases_own_pins(name: str, text: str) -> None:
    check = how_tested(of({name: text, "tests/test_a.py": ""}))
    assert check
    assert check.needs == ("pytest==7.4.4",)


@pytest.mark.parametrize(
    ("need", "released", "expected"),
    [
        ("pytest", "2023-05-01", "pytest<8"),
        ("pytest>=7", "2025-01-01", "pytest<9,>=7"),
        ("pytest", "2025-11-08", "pytest"),
        ("pytest==5", "2019-05-01", "pytest==5"),
        ("pytest>=8.0.0rc1", "2024-01-10", "pytest>=8.0.0rc1"),
        ("pytest-cov", "2019-05-01", "pytest-cov"),
    ],
)
def test_pytest_is_no_younger_than_the_release(need: str, released: str, expected: str) -> None:
    assert as_of([need], released) == (expected,)


def test_a_release_of_an_unknown_date_bounds_nothing() -> None:
    assert as_of(["pytest"], "") == ("pytest",)


def test_tools_are_no_packages_unless_the_project_itself_needs_them() -> None:
    pyproject = """
    [project]
    dependencies = ["nox"]
    [dependency-groups]
    dev = ["pre-commit-uv", "proselint", "tox", "ruff", "flake8-bugbear", "pytest-mock", "nox", "hypothesis"]
    """
    check = how_tested(of({"pyproject.toml": pyproject, "tests/test_a.py": ""}))
    assert check
    assert check.needs == ("nox", "pytest-mock", "hypothesis", "pytest")


@pytest.mark.parametrize("build", [{"configure.ac": "", "Makefile.am": ""}, {"CMakeLists.txt": "enable_testing()"}])
@pytest.mark.parametrize(("python", "is_main"), [({}, False), ({"setup.py": ""}, True), ({"pytest.ini": ""}, True)])
def test_pytest_of_a_project_in_another_language_is_only_a_part(
    build: dict[str, str], python: dict[str, str], is_main: bool
) -> None:
    check = how_tested(of({"tests/http/test_a.py": "", **build, **python}))
    assert check
    assert ("pytest" in check.run) is is_main


def test_pytest_is_taken_where_the_other_language_shows_no_tests() -> None:
    check = how_tested(of({"tests/test_a.py": "", "meson.build": ""}))
    assert check
    assert "pytest" in check.run


def test_each_gem_of_a_repository_is_tested() -> None:
    texts = {"Gemfile": "", "a/a.gemspec": "", "a/spec/x_spec.rb": "", "b/b.gemspec": "", "b/spec/y_spec.rb": ""}
    check = how_tested(of({**texts, "c/c.gemspec": ""}))
    assert check
    assert "for gem in a b; do" in check.run
    assert check.build == "bundle install --quiet"
    whole = how_tested(of({**texts, "Rakefile": "Rake::TestTask.new\n"}))
    assert whole
    assert whole.run == "bundle exec rake test", "which tests the whole repository"


def test_a_project_in_a_subfolder_is_tested_there() -> None:
    check = how_tested_in(of({"web/pom.xml": "", "api/setup.py": "ext_modules = [x]", "api/test_a.py": ""}), "api")
    assert check
    assert check.run.startswith("cd api && python3 -m pytest ")
    assert "{files}" not in check.run
    assert check.files == ()
    assert check.build == "(cd api && python3 setup.py -q build_ext --inplace)"
    java = how_tested_in(of({"web/pom.xml": ""}), "web")
    assert java
    assert java.results == "web/**/target/surefire-reports/TEST-*.xml"
    gem = how_tested_in(of({"Gemfile": "", "core/spec/a_spec.rb": ""}), "core")
    assert gem
    assert gem.run == "cd core && bundle exec rspec"
    whole = how_tested_in(of({"go.mod": "", "docs/x": ""}), "docs")
    assert whole
    assert whole.run.startswith("go test ")


def test_c_sources_that_cython_makes_are_made_first() -> None:
    check = how_tested(of({"setup.py": "Extension('p.c', ['p/_c.c'])", "p/_c.pyx": "", "test_a.py": ""}))
    assert check
    assert check.build == "python3 -m cython p/_c.pyx && python3 setup.py -q build_ext --inplace"
    assert "cython" in check.needs


def test_packages_of_a_file_for_all_topics_are_taken_with_the_extras_that_it_installs() -> None:
    pyproject = "[project]\nname = 'p'\n[project.optional-dependencies]\nzip = ['brotli']\nno = ['unused']\n"
    files = of(
        {"pyproject.toml": pyproject, "requirements.txt": "-e .[zip, x]\ntrio==0.31.0\nruff==1\n", "test_a.py": ""}
    )
    check = how_tested(files)
    assert check
    assert {"brotli", "trio==0.31.0"} <= set(check.needs)
    assert not {"unused", "ruff==1"} & set(check.needs)


@pytest.mark.parametrize(
    ("contents", "word"),
    [
        ({"phpunit.xml.dist": "", "composer.json": ""}, "`composer install` downloads, and probes have no network"),
        ({"package.json": '{"devDependencies": {"vitest": "1"}}'}, "`npm install` downloads"),
        ({"package.json": '{"devDependencies": {"vitest": "1"}}', "pnpm-lock.yaml": ""}, "`pnpm install` downloads"),
        ({"go.mod": ""}, ""),
    ],
)
def test_a_build_that_downloads_says_that_probes_have_no_network(contents: dict[str, str], word: str) -> None:
    found = how_tested(of(contents))
    assert found
    assert found.missing_network.startswith(word)
    assert bool(found.missing_network) == bool(word)


def test_meson_reports_single_tests_where_one_of_its_files_defines_any() -> None:
    texts = {
        "meson.build": "project('p', 'c')\nsubdir('tests')\n",
        "tests/meson.build": "foreach t : all\n  test(t, exe)\n",
    }
    check = how_tested(of({**texts, "test/test_a.py": ""}))
    assert check
    assert (check.run, check.format) == ("meson test -C build", "junit")
    assert check.results == "build/meson-logs/testlog.junit.xml"
    assert check.build == "{ test -d build/meson-info || meson setup build; } && meson compile -C build"
    assert how_tested(of({"tests/meson.build": "test('a', exe)\n"})) is None, "a folder of examples alone"


@pytest.mark.parametrize(
    ("hosted", "beside", "needs"),
    [
        ("python:\n  install:\n    - requirements: docs/rtd.txt\n", "", ("recommonmark", "sphinx")),
        ("", "recommonmark\nblack\n", ("recommonmark", "sphinx")),
        ("build:\n  os: ubuntu\n", "", ("sphinx",)),
    ],
)
def test_a_manual_needs_what_its_host_installs(hosted: str, beside: str, needs: tuple[str, ...]) -> None:
    texts = {"docs/source/conf.py": "", "docs/rtd.txt": "recommonmark\n", ".readthedocs.yml": hosted}
    check = how_documented(of({**texts, "docs/source/requirements.txt": beside}))
    assert check
    assert check.needs == needs

"""Whatever is in a user's environment and configuration of git: the same day has the same record."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from sessions.integrate import integrate
from sessions.ledger.record_file import record_data
from sessions.settings.options import Options
from sessions.terminal.console import Console
from tests.repositories import EXECUTABLE, LINK, SUBMODULE, Builder, lines, run_git
from tests.stories.desk import own_config, timeless

CONFIG = own_config("""[[gates]]
name = "test"
run = "true"
""")
# {folder} is one that holds another repository, hooks and attributes; see `hostile`.
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "trace": {"GIT_TRACE": "1", "GIT_TRACE_SETUP": "1", "GIT_CURL_VERBOSE": "1"},
    "trace of packets": {"GIT_TRACE_PACKET": "2", "GIT_TRACE_PERFORMANCE": "2", "GIT_TRACE2": "1"},
    "trace to a file": {"GIT_TRACE": "{folder}/trace", "GIT_TRACE2_EVENT": "{folder}/events"},
    "config by count": {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "merge.renames",
        "GIT_CONFIG_VALUE_0": "false",
        "GIT_CONFIG_KEY_1": "core.bigFileThreshold",
        "GIT_CONFIG_VALUE_1": "1",
    },
    "config by a broken count": {"GIT_CONFIG_COUNT": "many"},
    "config by parameters": {"GIT_CONFIG_PARAMETERS": "'merge.renames'='false' 'merge.default'='union'"},
    "config by broken parameters": {"GIT_CONFIG_PARAMETERS": "'x"},
    "no configuration file": {"GIT_CONFIG_GLOBAL": "{folder}/nowhere", "GIT_CONFIG_SYSTEM": "{folder}/nowhere"},
    "default hash": {"GIT_DEFAULT_HASH": "sha256"},
    "another repository": {"GIT_DIR": "{folder}/other.git", "GIT_WORK_TREE": "{folder}", "GIT_PREFIX": "x/"},
    "another index": {"GIT_INDEX_FILE": "{folder}/index", "GIT_COMMON_DIR": "{folder}/other.git"},
    "other objects": {"GIT_OBJECT_DIRECTORY": "{folder}/other.git/objects", "GIT_QUARANTINE_PATH": "{folder}"},
    "alternates": {"GIT_ALTERNATE_OBJECT_DIRECTORIES": "{folder}/nowhere", "GIT_SHALLOW_FILE": "{folder}/nowhere"},
    "namespace": {"GIT_NAMESPACE": "x", "GIT_REPLACE_REF_BASE": "refs/heads/", "GIT_GRAFT_FILE": "{folder}/nowhere"},
    "attributes": {"GIT_ATTR_SOURCE": "HEAD", "GIT_ATTR_NOSYSTEM": "0"},
    "literal pathspecs": {"GIT_LITERAL_PATHSPECS": "1"},
    "pathspecs": {"GIT_GLOB_PATHSPECS": "1", "GIT_ICASE_PATHSPECS": "1"},
    "other programs": {
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_PAGER": "false",
        "GIT_EDITOR": "false",
        "GIT_DIFF_OPTS": "-u1",
    },
    "other git": {"GIT_EXEC_PATH": "{folder}", "GIT_TEMPLATE_DIR": "{folder}"},
    "protocols": {"GIT_ALLOW_PROTOCOL": "https", "GIT_PROTOCOL_FROM_USER": "0", "GIT_PROTOCOL": "version=0"},
    "prompts": {"GIT_TERMINAL_PROMPT": "1", "GIT_ASKPASS": "false", "SSH_ASKPASS": "false", "GIT_FLUSH": "0"},
    "someone else": {"GIT_COMMITTER_DATE": "2001-01-01T00:00:00", "GIT_AUTHOR_NAME": "J", "GIT_COMMITTER_EMAIL": "j"},
    "language": {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"},
    "no home": {"HOME": "/nowhere", "XDG_CONFIG_HOME": "/nowhere"},
    "attributes of the user": {"XDG_CONFIG_HOME": "{folder}"},
    "Git LFS skipped": {"GIT_LFS_SKIP_SMUDGE": "1", "GIT_LFS_SKIP_PUSH": "1"},
}
# Keys and values, which hold no spaces; an exclamation mark begins an alias.
CONFIGURATIONS = {
    "bare repositories": "safe.bareRepository=explicit",
    "line ends": "core.autocrlf=true core.eol=crlf core.safecrlf=true",
    "no renames": "merge.renames=false diff.renames=false",
    "rename limits": "merge.renameLimit=1 merge.directoryRenames=true diff.renameLimit=1",
    "other merges": "merge.default=other merge.other.driver=false merge.conflictStyle=diff3 merge.renormalize=true",
    "a driver of that name": "merge.table.driver=false merge.table.name=x",
    "other differences": "diff.algorithm=histogram diff.noprefix=true diff.external=false diff.ignoreSubmodules=all",
    "attributes": "core.attributesFile={folder}/git/attributes core.excludesFile={folder}/git/attributes",
    "hooks": "core.hooksPath={folder}/hooks core.fsmonitor={folder}/hooks/fail init.templateDir={folder}",
    "strict transfer": "transfer.fsckObjects=true fetch.fsckObjects=true fetch.prune=true fetch.pruneTags=true",
    "hidden refs": "transfer.hideRefs=refs/heads uploadpack.hideRefs=refs/tags protocol.version=0",
    "small limits": "core.bigFileThreshold=1 core.abbrev=4 core.compression=0 pack.packSizeLimit=1m",
    "file system": "core.ignoreCase=true core.symlinks=false core.fileMode=false core.precomposeUnicode=true",
    "formats": "color.ui=always log.showSignature=true log.decorate=full i18n.logOutputEncoding=latin1",
    "paths": "core.quotePath=true core.worktree={folder} column.ui=always advice.detachedHead=true",
    "housekeeping": "gc.auto=1 maintenance.auto=true fetch.writeCommitGraph=true fetch.unpackLimit=1",
    "defaults": "init.defaultBranch=other init.defaultObjectFormat=sha256 submodule.recurse=true",
    "access": "http.proxy=http://127.0.0.1:1 url.https://x.invalid/.insteadOf=gh: credential.helper=",
    "aliases": "alias.fetch=!false alias.merge-tree=!false include.path=nowhere core.pager=false",
}
CASES = [*ENVIRONMENTS, *(f"configuration: {name}" for name in CONFIGURATIONS)]


class Project:
    """Six tickets: of each kind of merge that a setting could turn into another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        builder = Builder(folder / "project.git")
        attributes = "LOG merge=union\n*.table merge=table\n*.crlf text eol=crlf\n"
        texts = dict.fromkeys(("a", "b", "t.table", "LOG"), lines())
        builder.commit(
            {**texts, "d/1": "1\n", "d/2": "2\n", "ä\n": "x", "x.crlf": "1\n2\n", ".gitattributes": attributes}
        )
        builder.tag("1.0")
        changes: list[dict[str, Any]] = [
            {"a": None, "a2": lines((3, "moved")), "LOG": lines((1, "one\nline 1")), "t.table": lines((3, "one"))},
            {"a": lines((27, "in place")), "LOG": lines((1, "two\nline 1")), "t.table": lines((27, "two"))},
            {"a": lines((3, "clash"))},
            {"d/1": None, "d/2": None, "e/1": "1\n", "e/2": "2\n", "tool": (EXECUTABLE, "#!/bin/sh\n")},
            {"d/3": "3\n", "link": (LINK, "a")},
            {"lib": (SUBMODULE, "1" * 40), "x.crlf": "1\n2\n3\n"},
        ]
        for number, files in enumerate(changes, start=1):
            builder.commit(files, "1.0", branch=f"t{number}")
        tickets = (f'[[ticket]]\nnumber = {n}\ntitle = "T{n}"\nbranch = "t{n}"\n' for n in range(1, 7))
        (folder / "tickets.toml").write_text("".join(tickets))
        (folder / "integration.toml").write_text(CONFIG)

    def record(self, state: Path, **words: Any) -> Any:
        date = dt.date(2026, 11, 23)
        options = Options(config=self.folder / "integration.toml", state=state, date=date, plan=True, **words)
        return timeless(record_data(integrate(options, Console(to_stderr=True))))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def usual(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Any:
    record = project.record(tmp_path_factory.mktemp("usual") / "state")
    told = {ticket["number"]: ticket["verdict"] for ticket in record["tickets"]}
    assert told == {1: "integrated", 2: "integrated", 3: "conflict", 4: "integrated", 5: "conflict", 6: "integrated"}
    return record


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with what a user may have: another repository, hooks that fail, attributes for all files."""
    Builder(tmp_path / "hostile" / "other.git").commit({"x": "x\n"})
    for name in ("fail", "post-checkout", "reference-transaction", "pre-push", "post-merge"):
        hook = tmp_path / "hostile" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    (tmp_path / "hostile" / "git").mkdir()
    (tmp_path / "hostile" / "git" / "attributes").write_text("* merge=union\n* -text\n*.table merge=binary\n")
    return tmp_path / "hostile"


@pytest.mark.parametrize("case", CASES)
def test_the_same_day_has_the_same_record(
    project: Project, usual: Any, hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    if case in ENVIRONMENTS:
        for name, value in ENVIRONMENTS[case].items():
            monkeypatch.setenv(name, value.replace("{folder}", str(hostile)))
    else:
        settings = tmp_path / "gitconfig"
        for word in CONFIGURATIONS[case.removeprefix("configuration: ")].replace("{folder}", str(hostile)).split():
            run_git("config", "--file", str(settings), "--add", *word.split("=", 1), cwd=tmp_path)
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.chdir(hostile / "other.git")
    assert project.record(tmp_path / "state") == usual
    assert not list(hostile.glob("trace*")), "our git wrote where the user's was to"


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 30


@pytest.mark.parametrize("name", ["$HOME", "~", "%s {x}"])
def test_a_projects_folder_may_be_called_anything(usual: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert Project(tmp_path / name).record(tmp_path / "state") == usual


@pytest.mark.parametrize("name", ["$HOME", "~", "a b", "%s {x}", "-n", "ä\udcff"])
def test_a_state_folder_may_be_called_anything(project: Project, usual: Any, tmp_path: Path, name: str) -> None:
    assert project.record(tmp_path / name) == usual
    assert (tmp_path / name / "mirrors").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == [name]

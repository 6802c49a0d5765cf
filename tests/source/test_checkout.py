"""A probe's files beside those of a checkout, byte by byte: with Git LFS and submodules, which need more than git."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from sessions.engines.local.workspace import put_file
from sessions.source.line import Queue, merge_line
from sessions.source.merging import Candidate
from sessions.source.mirror import Mirror
from sessions.source.overlay_files import Overlay
from sessions.source.overlays import export, overlay_between
from sessions.source.soundness import fetch_sound
from sessions.source.submodules import resolve_address
from sessions.terminal.errors import ContentError, SourceError
from tests.conftest import refuse
from tests.repositories import SUBMODULE, Builder, Scene, run_git, work_tree
from tests.source.test_overlays import contents

LFS = {
    "filter__lfs__process": "git-lfs filter-process",
    "filter__lfs__smudge": "git-lfs smudge -- %f",
    "filter__lfs__required": "true",
}
ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n*.txt text eol=crlf\n"


@pytest.fixture
def lfs() -> None:
    if not shutil.which("git-lfs"):
        refuse("Debian's git-lfs is not installed")


def keep(builder: Builder, content: bytes, *, there: bool = True) -> str:
    """Keep a content in the repository's own store of Git LFS; the pointer to it."""
    oid = hashlib.sha256(content).hexdigest()
    place = builder.path / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
    if there:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"


@pytest.fixture
def pictures(builder: Builder) -> Builder:
    """A project with pictures in Git LFS: ticket 1 is sound, of ticket 2 the store lacks one, 3 has none."""
    base = {
        ".gitattributes": ATTRIBUTES,
        "a.bin": keep(builder, b"\0a\r\n" * 999),
        "b.txt": "1\n2\n",
        "no.bin": "plain\n",
    }
    builder.commit({**base})
    builder.tag("1.0")
    builder.commit({"a.bin": keep(builder, b"\0A" * 999), "new.bin": keep(builder, b"new")}, "1.0", branch="t1")
    builder.commit({"gone.bin": keep(builder, b"gone", there=False)}, "1.0", branch="t2")
    builder.commit({"b.txt": "1\n2\n3\n"}, "1.0", branch="t3")
    return builder


def put(folder: Path, overlay: Overlay) -> None:
    """Lay an overlay over a folder, as the local engine does."""
    for file in overlay:
        put_file(folder, file)


def head_of(scene: Scene, *numbers: int) -> Candidate:
    head = scene.merger.combine(scene.tickets(**{f"t{number}": number for number in numbers}).values())
    assert isinstance(head, Candidate)
    return head


@pytest.mark.usefixtures("lfs")
def test_files_of_git_lfs_are_those_of_a_checkout(pictures: Builder, tmp_path: Path) -> None:
    scene = Scene.of(pictures, tmp_path / "state")
    head = head_of(scene, 1, 3)
    repository = scene.mirror.repository
    export(repository, scene.release.tree, tmp_path / "probe")
    put(tmp_path / "probe", overlay_between(repository, scene.release.tree, head.tree))
    run_git("push", "--quiet", pictures.url, f"{head.commit}:refs/heads/head", cwd=repository.path)
    run_git("config", "remote.origin.url", pictures.url, cwd=pictures.path)
    wanted = contents(work_tree(pictures.path, head.commit, tmp_path / "plain", **LFS))
    assert contents(tmp_path / "probe") == wanted
    assert wanted["a.bin"][1] == b"\0A" * 999
    assert wanted["new.bin"][1] == b"new"
    assert wanted["no.bin"][1] == b"plain\n"
    assert not list(repository.path.glob("hooks/*"))


@pytest.mark.usefixtures("lfs")
def test_a_ticket_whose_content_git_lfs_lacks_is_out_alone(pictures: Builder, tmp_path: Path) -> None:
    mirror = Mirror.of(pictures.url, tmp_path / "state")
    fetched = fetch_sound(mirror, mirror.release("latest"), {1: "t1", 2: "t2", 3: "t3"})
    assert fetched.tips == {number: pictures.tips[f"t{number}"] for number in (1, 3)}
    assert list(fetched.faults) == [2]
    assert fetched.faults[2].startswith("gone.bin is kept in Git LFS, which does not have its content: ")
    assert "remote missing object" in fetched.faults[2]


def test_without_git_lfs_a_ticket_is_out_and_the_release_is_a_sentence(
    pictures: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for name in ("git", "stdbuf", "sh"):
        if found := shutil.which(name):
            (bin_ / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(bin_))
    mirror = Mirror.of(pictures.url, tmp_path / "state")
    release = mirror.release("latest")
    fetched = fetch_sound(mirror, release, {1: "t1", 3: "t3"})
    assert fetched.tips == {3: pictures.tips["t3"]}
    assert fetched.faults == {1: "a.bin is kept in Git LFS, and git-lfs is not installed here: install it"}
    with pytest.raises(ContentError, match=r"^a\.bin is kept in Git LFS, and git-lfs is not installed here"):
        export(mirror.repository, release.tree, tmp_path / "out")


@pytest.mark.usefixtures("lfs")
def test_a_store_that_does_not_answer_is_no_tickets_fault(pictures: Builder, tmp_path: Path) -> None:
    pictures.commit({".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1/lfs\n"}, "1.0", branch="main")
    pictures.tag("1.1")
    pictures.commit({"new.bin": keep(pictures, b"newer")}, "1.1", branch="t4")
    mirror = Mirror.of(pictures.url, tmp_path / "state")
    with pytest.raises(
        SourceError, match=r"^new\.bin cannot be fetched from Git LFS: .*refused\. Run again\.$"
    ) as told:
        fetch_sound(mirror, mirror.release("latest"), {4: "t4"})
    assert not isinstance(told.value, ContentError)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builder:
    """A library that others have as a submodule, on this disk, from where git fetches submodules only if told to."""
    settings = tmp_path / "gitconfig"
    settings.write_text('[protocol "file"]\n\tallow = always\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    library = Builder(tmp_path / "library.git")
    library.commit({"lib.py": "1\n", "deep/data.txt": "1\n2\n", ".gitattributes": "*.txt eol=crlf\n"})
    library.commit({"lib.py": "2\n", "deep/new.txt": "3\n", "deep/data.txt": None}, branch="next")
    return library


@pytest.fixture
def project(library: Builder, builder: Builder) -> Builder:
    """A project with the library in `lib`: ticket 1 moves it, 2 adds it once more, 3 names a commit that is nowhere."""
    modules = '[submodule "x"]\n\tpath = lib\n\turl = ../library.git\n'
    first, second = library.git("rev-parse", "main"), library.git("rev-parse", "next")
    builder.commit({".gitmodules": modules, "lib": (SUBMODULE, first), "a.txt": "a\n"})
    builder.tag("1.0")
    again = modules + f'[submodule "y"]\n\tpath = other/lib\n\turl = {library.url}\n'
    builder.commit({"lib": (SUBMODULE, second)}, "1.0", branch="t1")
    builder.commit({".gitmodules": again, "other/lib": (SUBMODULE, second)}, "1.0", branch="t2")
    builder.commit({"lib": (SUBMODULE, "7" * 40)}, "1.0", branch="t3")
    builder.commit({"lib": None, ".gitmodules": None}, "1.0", branch="t4")
    return builder


@pytest.mark.parametrize("numbers", [(1,), (2,), (1, 2), (4,)])
def test_submodules_are_checked_out_where_the_configuration_asks_for_it(
    project: Builder, tmp_path: Path, numbers: tuple[int, ...]
) -> None:
    scene = Scene.of(project, tmp_path / "state")
    head = head_of(scene, *numbers)
    repository = scene.mirror.repository
    export(repository, scene.release.tree, tmp_path / "probe", submodules=True)
    put(tmp_path / "probe", overlay_between(repository, scene.release.tree, head.tree, submodules=True))
    run_git("push", "--quiet", project.url, f"{head.commit}:refs/heads/head", cwd=repository.path)
    allow = ("-c", "protocol.file.allow=always")
    clone = tmp_path / "clone"
    run_git(
        *allow, "clone", "--quiet", "--branch", "head", "--recurse-submodules", project.url, str(clone), cwd=tmp_path
    )
    wanted = {name: file for name, file in contents(clone).items() if ".git" not in Path(name).parts}
    assert contents(tmp_path / "probe") == wanted
    assert ("lib/deep/data.txt" in wanted) == (numbers == (2,))
    plain = overlay_between(repository, scene.release.tree, head.tree)
    assert not [file for file in plain if file.content and "lib/" in file.path]


def test_a_submodule_that_is_nowhere_is_one_tickets_trouble(project: Builder, tmp_path: Path) -> None:
    mirror = Mirror.of(project.url, tmp_path / "state")
    release, branches = mirror.release("latest"), {number: f"t{number}" for number in (1, 2, 3)}
    assert fetch_sound(mirror, release, branches).faults == {}
    fetched = fetch_sound(mirror, release, branches, submodules=True)
    assert sorted(fetched.tips) == [1, 2]
    assert fetched.faults[3].startswith("the commit 7777777777 of the submodule lib is not in ")


def test_git_fetches_no_submodule_from_this_disk_unless_the_user_says_so(
    project: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    mirror = Mirror.of(project.url, tmp_path / "state")
    fetched = fetch_sound(mirror, mirror.release("latest"), {2: "t2"}, submodules=True)
    assert "transport 'file' not allowed" in fetched.faults[2]


def test_a_plan_tells_of_a_ticket_that_adds_a_submodule(project: Builder, tmp_path: Path) -> None:
    scene = Scene.of(project, tmp_path / "state")
    tickets = tuple(scene.tickets(t2=2).values())
    line = merge_line(Queue(tickets=tickets, needs={2: frozenset()}), scene.merger, {})
    assert (
        line.decisions[2].reason
        == "it adds the submodule other/lib, an empty folder here: `[project] submodules` is off"
    )


@pytest.mark.parametrize("origin", ["https://x.org/a/b.git", "git@x.org:a/b", "/srv/a/b.git", "/srv/a/b/", "ssh://h/b"])
@pytest.mark.parametrize("url", ["../c.git", "./c", "../../c/d", "https://y.org/c", "/c", "git@y.org:c", "../c/"])
def test_addresses_are_resolved_as_git_does(tmp_path: Path, origin: str, url: str) -> None:
    run_git("init", "--quiet", cwd=tmp_path)
    run_git("config", "remote.origin.url", origin, cwd=tmp_path)
    (tmp_path / ".gitmodules").write_text(f'[submodule "x"]\n\tpath = x\n\turl = {url}\n')
    run_git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},x", cwd=tmp_path)
    run_git("submodule", "--quiet", "init", cwd=tmp_path)
    assert resolve_address(url, origin) == run_git("config", "submodule.x.url", cwd=tmp_path)

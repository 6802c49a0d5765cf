from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sessions.source.merging import Candidate
from sessions.source.overlay_files import Overlay
from sessions.source.overlays import export, files_of, overlay_between, touched_files
from sessions.source.repository import Repository
from sessions.terminal.errors import SourceError
from tests.repositories import EXECUTABLE, LINK, SUBMODULE, Builder, Content, Scene, lines, work_tree

if TYPE_CHECKING:
    from pathlib import Path

ATTRIBUTES = """hidden export-ignore
* export-subst
*.bat text eol=crlf
id ident
*.16 working-tree-encoding=UTF-16
"""
RELEASE: dict[str, Content] = {
    "a": lines(),
    "tool": (EXECUTABLE, "#!/bin/sh\n"),
    "link": (LINK, "a"),
    "folder/1": "1\n",
    "folder/2": "2\n",
    "file": "1\n",
    "binary": bytes(range(256)),
    "ä \n b": "1\n",
    ".gitattributes": ATTRIBUTES,
    "hidden": "1\n",
    "version": "$Format:%H$\n",
    "id": "$Id$\n",
    "run.bat": "a\nb\n",
    "text.16": "a\n",
    "empty": "",
}
CHANGES: dict[str, dict[str, Content]] = {
    "content": {"a": lines((5, "x")), "binary": b"\0\xff", "empty": "1\n", "ä \n b": "2\n"},
    "new": {"new/er/file": "1\n", "new/tool": (EXECUTABLE, "#!/bin/sh\n"), "neu/\udcff": "", "blob": b"\r\n\0"},
    "gone": {"a": None, "link": None, "folder/1": None, "ä \n b": None},
    "executable": {"a": (EXECUTABLE, lines()), "tool": "#!/bin/sh\n"},
    "file to link": {"a": (LINK, "file"), "link": "no link\n"},
    "link elsewhere": {"link": (LINK, "folder/1"), "dangling": (LINK, "nowhere")},
    "file to folder": {"file": None, "file/1": "1\n", "file/2/3": "2\n"},
    "folder to file": {"folder/1": None, "folder/2": None, "folder": "1\n"},
    "link to folder": {"link": None, "link/1": "1\n"},
    "folder moved, and a link left": {
        "folder/1": None,
        "folder/2": None,
        "folder": (LINK, "elsewhere"),
        "elsewhere/1": "1\n",
        "elsewhere/2": "2\n",
    },
    "conversion": {".gitattributes": ATTRIBUTES.replace("*.bat", "a").replace("id ident", "version ident")},
    "attributes gone": {".gitattributes": None, "id": "3 $Id$\n"},
    "attributes below": {"folder/.gitattributes": "1 eol=crlf\n", "folder/3": "3\n"},
    "encoded attributes": {
        ".gitattributes": ATTRIBUTES + ".gitattributes working-tree-encoding=UTF-16\nfile eol=crlf\n"
    },
    "attributes": {"hidden": "2\n", "version": "2 $Format:%H$\n", "id": "2 $Id$\n", "run.bat": "b\n", "text.16": "b\n"},
    "no such text": {"text.16": b"\xff\xfe\xff", "a": b"\xff\r\n", "run.bat": "a\r\nb\n"},
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("overlays")
    builder = Builder(folder / "project.git")
    builder.commit(RELEASE)
    builder.tag("1.0")
    for place, changes in enumerate(CHANGES.values()):
        builder.commit(changes, "1.0", branch=f"t{place}")
    builder.commit({"module": (SUBMODULE, "1" * 40)}, "1.0", branch="module")
    return Scene.of(builder, folder / "state")


def contents(folder: Path) -> dict[str, tuple[str, bytes]]:
    """All files of a folder: git's mode and the content."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = (LINK, os.fsencode(path.readlink()))
        elif path.is_file():
            found[name] = (EXECUTABLE if path.stat().st_mode & 0o111 else "100644", path.read_bytes())
    return found


def put(folder: Path, overlay: Overlay) -> None:
    """Lay an overlay over a folder, one file after the other, without looking out for anything."""
    for file in overlay:
        place = folder / file.path
        if place.is_symlink() or place.exists():
            place.unlink()
        for parent in [] if file.content is not None else place.parents:
            if parent != folder and not any(parent.iterdir()):
                parent.rmdir()
        if file.content is None:
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if file.mode == 0o120000:
            place.symlink_to(os.fsdecode(file.content))
        else:
            place.write_bytes(file.content)
            place.chmod(file.mode & 0o777)


def candidate(scene: Scene, branch: str) -> Candidate:
    made = scene.merger.combine(scene.tickets(**{branch: 1}).values())
    assert isinstance(made, Candidate)
    return made


@pytest.mark.parametrize("case", CHANGES)
def test_release_and_overlay_are_exactly_the_candidate(scene: Scene, tmp_path: Path, case: str) -> None:
    head = candidate(scene, f"t{list(CHANGES).index(case)}")
    repository = scene.mirror.repository
    overlay = overlay_between(repository, scene.release.tree, head.tree)
    for name, tree in (("release", scene.release.tree), ("candidate", head.tree)):
        export(repository, tree, tmp_path / name)
    put(tmp_path / "release", overlay)
    wanted = contents(work_tree(repository.path, head.commit, tmp_path / "plain"))
    assert contents(tmp_path / "release") == contents(tmp_path / "candidate") == wanted
    assert set(files_of(repository, head.tree)) == set(wanted)
    assert {file.path for file in overlay} >= set(CHANGES[case])
    if not any(path.endswith(".gitattributes") for path in CHANGES[case]):
        assert {file.path for file in overlay} == set(CHANGES[case])


def test_what_is_exported_is_converted_and_whole_and_the_mirror_gets_no_index(scene: Scene, tmp_path: Path) -> None:
    """`git archive` would leave out `hidden` and rewrite `version`."""
    export(scene.mirror.repository, scene.release.tree, tmp_path / "deep" / "er")
    made = contents(tmp_path / "deep" / "er")
    assert made == contents(work_tree(scene.mirror.repository.path, scene.release.commit, tmp_path / "plain"))
    assert made["run.bat"] == ("100644", b"a\r\nb\r\n")
    assert made["text.16"][1].decode("utf-16") == "a\n"
    assert made["id"][1].startswith(b"$Id: ")
    assert [made["hidden"][1], made["version"][1]] == [b"1\n", b"$Format:%H$\n"]
    assert not (scene.mirror.repository.path / "index").exists()


def test_the_release_needs_no_overlay(scene: Scene) -> None:
    assert overlay_between(scene.mirror.repository, scene.release.tree, scene.release.tree) == ()


def test_a_submodule_is_an_empty_folder(scene: Scene, tmp_path: Path) -> None:
    head = candidate(scene, "module")
    repository = scene.mirror.repository
    (added,) = overlay_between(repository, scene.release.tree, head.tree)
    assert (added.path, added.is_folder) == ("module", True)
    (gone,) = overlay_between(repository, head.tree, scene.release.tree)
    assert (gone.path, gone.content) == ("module", None)
    export(repository, head.tree, tmp_path / "out")
    assert not list((tmp_path / "out" / "module").iterdir())
    assert "module" not in files_of(repository, head.tree)
    scene.builder.commit({"a": lines((5, "x")), "module": (SUBMODULE, "2" * 40)}, "module", branch="beside")
    again = Scene.of(scene.builder, scene.mirror.repository.path.parent.parent)
    beside = candidate(again, "beside")
    assert [file.path for file in overlay_between(repository, head.tree, beside.tree)] == ["a"]


def test_a_file_whose_content_is_missing_is_a_sentence(builder: Builder) -> None:
    repository = Repository.open(builder.path)
    before, after = builder.commit({"a": "1\n"}), builder.commit({"a": "2\n"})
    blob = builder.git("rev-parse", f"{after}:a")
    (builder.path / "objects" / blob[:2] / blob[2:]).unlink()
    trees = [builder.git("rev-parse", f"{commit}^{{tree}}") for commit in (before, after)]
    with pytest.raises(SourceError, match=r"lacks the content of a: run again"):
        overlay_between(repository, *trees)


def test_what_a_ticket_touches_is_told_where_it_left_the_release_more_than_once(builder: Builder) -> None:
    """Two branches that merged each other have two merge bases."""
    start = builder.commit({"a": "1\n", "b": "1\n", "c": "1\n"})
    one = builder.commit({"a": "2\n"}, start, branch="one")
    two = builder.commit({"b": "2\n"}, start, branch="two")
    release = builder.commit({"b": "2\n"}, one, two, branch="one")
    ticket = builder.commit({"a": "2\n"}, two, one, branch="two")
    ticket = builder.commit({"c": "2\n"}, ticket, branch="two")
    repository = Repository.open(builder.path)
    assert len(builder.git("merge-base", "--all", release, ticket).split()) == 2
    touched = touched_files(repository, release, ticket)
    assert "c" in touched
    assert touched <= {"a", "b", "c"}
    assert touched_files(repository, release, "0" * 40) == frozenset()
    stranger = builder.commit({"a": "9\n"}, branch="stranger")
    assert touched_files(repository, release, stranger) == frozenset()

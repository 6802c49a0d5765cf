"""Trees from outside that could be written where they do not belong: refused, for the ticket alone that has them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.source.mirror import Mirror
from sessions.source.repository import Repository
from sessions.source.soundness import fetch_sound
from sessions.source.trees import TreeEntry, entry_fault, find_faults, read_entries
from sessions.terminal.errors import SourceError
from tests.repositories import Builder, run_git

NAMES = [
    *(".git", ".GIT", ".Git", ".git ", ".git.", ".git . .", "git~1", "GIT~1", "git~2", "GIT~1 ", "git~1.", ".git:x"),
    *(".git::$INDEX_ALLOCATION", ".g\u200cit", "\ufeff.git", ".git\u206f", ".g\u200ci\u202et", ".git\\x", "x\\.git"),
    *(
        "git~1\\x",
        ".gitx",
        ".git\udcff",
        "..",
        ".",
        "...",
        "..git",
        ". .",
        ".. ",
        " .git",
        ".gi",
        "git",
        "a/b",
        "/",
        "a/",
    ),
    *(".gitmodules", ".GITMODULES", ".gitmodules:x", "gitmod~1", "GITMOD~4.", "gitmod~5", "gi7eba~1", "gi7eb~10"),
    *("gi7eba~0", "a\nb", "ä", "\udcff", "\u017f.git", ".g\u0131t", "CON", "con.", "-n", "$HOME", "a:b"),
]


def tree(folder: Path, *entries: tuple[str, str, str]) -> str:
    """A tree of modes, names and ids, whatever git thinks of it."""
    raw = b"".join(
        f"{mode} ".encode() + name.encode("utf-8", "surrogateescape") + b"\0" + bytes.fromhex(id_)
        for mode, name, id_ in entries
    )
    return run_git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", cwd=folder, put=raw)


def commit(builder: Builder, tree_: str, branch: str, *parents: str) -> str:
    words = [word for parent in parents for word in ("-p", parent)]
    made = run_git("commit-tree", "-m", branch, *words, tree_, cwd=builder.path)
    builder.git("update-ref", f"refs/heads/{branch}", made)
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Builder(tmp_path_factory.mktemp("trees") / "x.git").path


def git_refuses(folder: Path, name: str, mode: str) -> bool:
    """Whether git itself would not check out a file of this name, on one of the systems that it knows."""
    made = tree(folder, (mode, name, run_git("hash-object", "-w", "--stdin", cwd=folder, put=b"x")))
    index, out = folder.parent / "index", folder.parent / "out"
    index.unlink(missing_ok=True)
    out.mkdir(exist_ok=True)
    words = ("git", "-c", "core.protectHFS=true", "-c", "core.protectNTFS=true", "read-tree", "--reset", "-u", made)
    env = {"PATH": os.environ["PATH"], "GIT_DIR": str(folder), "GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(out)}
    done = subprocess.run(words, env=env, capture_output=True, check=False)
    assert not done.returncode or b"invalid path" in done.stderr, done.stderr
    return bool(done.returncode)


@pytest.mark.parametrize("mode", ["100644", "120000"])
@pytest.mark.parametrize("name", NAMES)
def test_names_are_refused_where_git_refuses_to_check_them_out(folder: Path, name: str, mode: str) -> None:
    fault = entry_fault(TreeEntry(int(mode, 8), name.encode("utf-8", "surrogateescape"), "0" * 40))
    # git itself takes `a/b` for a file in a folder.
    assert bool(fault) == ("/" in name or git_refuses(folder, name, mode)), fault


PIECES = st.sampled_from([".", "git", "GIT", "~1", " ", ":", "\\", "\u200c", "\ufeff", "modules", "x", "i", "g", "t"])


@pytest.mark.slow
@settings(max_examples=150)
@given(name=st.lists(PIECES, min_size=1, max_size=6).map("".join), link=st.booleans())
def test_made_up_names_are_refused_where_git_refuses_them(folder: Path, name: str, link: bool) -> None:
    mode = "120000" if link else "100644"
    fault = entry_fault(TreeEntry(int(mode, 8), name.encode(), "0" * 40))
    # Git overlooks a backslash that comes first.
    assert bool(fault) == (git_refuses(folder, name, mode) or git_refuses(folder, f"x{name}", mode)), fault


def test_a_bad_tree_is_unfetchable_and_the_others_are_not(builder: Builder, tmp_path: Path) -> None:
    base = builder.commit({"a": "1\n", "deep/er/b": "1\n"})
    builder.tag("1.0")
    good = builder.commit({"a": "2\n"}, "1.0", branch="good")
    blob = builder.git("rev-parse", "1.0:a")
    config = tree(builder.path, ("100644", "config", blob))
    parent = tree(builder.path, ("100644", "escaped", blob))
    trees = {
        "up": tree(builder.path, ("40000", "..", parent)),
        "dot": tree(builder.path, ("40000", ".", parent)),
        "git": tree(builder.path, ("40000", "x", tree(builder.path, ("40000", ".git", config)))),
        "slash": tree(builder.path, ("100644", "../escaped", blob)),
        "twice": tree(builder.path, ("100644", "a", blob), ("120000", "a", blob)),
        "modules": tree(builder.path, ("120000", ".gitmodules", blob)),
    }
    for name, made in trees.items():
        commit(builder, made, name, base)
    old = tree(builder.path, ("040000", "deep", builder.git("rev-parse", "1.0:deep")), ("100664", "a", blob))
    harmless = commit(builder, old, "old", base)  # zeroPaddedFilemode, badFilemode
    builder.git("config", "uploadpack.allowAnySHA1InWant", "true")
    mirror = Mirror.of(builder.url, tmp_path / "state")
    numbers = {name: place for place, name in enumerate([*trees, "good", "old"])}
    release = mirror.release("latest")
    fetched = fetch_sound(mirror, release, {number: name for name, number in numbers.items()})
    assert fetched.tips == {numbers["good"]: good, numbers["old"]: harmless}
    assert {name: fetched.faults[numbers[name]] for name in trees} == {
        "up": "not a valid tree: an entry is called '..'",
        "dot": "not a valid tree: an entry is called '.'",
        "git": "not a valid tree: '.git' is where git keeps its own files, in x",
        "slash": "not a valid tree: an entry is called '../escaped'",
        "twice": "not a valid tree: 'a' is there twice",
        "modules": "not a valid tree: '.gitmodules' is a symbolic link",
    }
    assert not list(tmp_path.rglob("escaped"))


def test_a_release_with_a_bad_tree_is_refused(builder: Builder, tmp_path: Path) -> None:
    blob = builder.git("rev-parse", f"{builder.commit({'a': ''})}:a")
    commit(builder, tree(builder.path, ("100644", "..", blob)), "main")
    builder.tag("1.0")
    mirror = Mirror.of(builder.url, tmp_path / "state")
    with pytest.raises(SourceError, match=r"^The release 1\.0 is not a valid tree: an entry is called '\.\.'\."):
        fetch_sound(mirror, mirror.release("latest"), {})


def test_entries_are_read_as_git_lists_them(builder: Builder) -> None:
    builder.commit({"a b": "1\n", "ä\n": "2\n", "40000 x": "3\n", "d/e": "4\n"})
    raw = Repository.open(builder.path).read_objects(["main^{tree}"], "tree")["main^{tree}"]
    listed = [re.split(r"[ \t]", row, maxsplit=3) for row in builder.git("ls-tree", "-z", "main").split("\0")[:-1]]
    entries = read_entries(raw, "sha1")
    assert [(each.mode, each.id, each.name.decode()) for each in entries] == [
        (int(mode, 8), id_, name) for mode, _, id_, name in listed
    ]
    with pytest.raises(ValueError, match="cannot be read"):
        read_entries(raw[:-1], "sha1")


def test_a_tree_that_cannot_be_read_is_a_fault(builder: Builder) -> None:
    made = run_git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", cwd=builder.path, put=b"no tree")
    bad = commit(builder, made, "bad")
    assert find_faults(Repository.open(builder.path), {1: bad}) == {1: "its entries cannot be read"}

from __future__ import annotations

import random
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from sessions.source.conflicts import Clash, ConflictPlace
from sessions.source.merge_commit import merge_message
from sessions.source.merging import Candidate, Merger
from sessions.source.mirror import Mirror
from sessions.source.releases import Release
from sessions.terminal.errors import SourceError
from sessions.tickets.model import Ticket
from tests.repositories import COMMITTER, DATE, EXECUTABLE, LINK, Builder, Content, Scene, lines, run_git, ticket

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Files = dict[str, Content]
HOSTILE = "\0é\n\ntree 0\r\n\ud800\udcff\x1b[31m \u2028"

# What the first ticket does, what the second does, and the places in which they clash: path, kind and lines.
CLASHES: dict[str, tuple[Files, Files, list[tuple[str, str, str]]]] = {
    "contents": ({"a": lines((5, "x"))}, {"a": lines((5, "y"))}, [("a", "contents", "5-5")]),
    "several": (
        {"a": lines((5, "x\nx\nx"), (20, "x")), "b": lines((9, "x"))},
        {"a": lines((5, "y"), (20, "y\ny")), "b": lines((9, "y"))},
        [("a", "contents", "5-7,22-22"), ("b", "contents", "9-9")],
    ),
    "line ends": (
        {"crlf": lines((5, "x")).replace("\n", "\r\n")},
        {"crlf": lines((5, "y")).replace("\n", "\r\n")},
        [("crlf", "contents", "5-5")],
    ),
    "removed line": (
        {"a": lines().replace("line 5\n", "")},
        {"a": lines((5, "y"))},
        [("a", "contents", "5-5")],
    ),
    "rst": (
        {"a": lines((5, "Long title\n=========="))},
        {"a": lines((5, "Longer title\n============"))},
        [("a", "contents", "5-6")],
    ),
    "modify/delete": ({"a": None}, {"a": lines((5, "y"))}, [("a", "modify/delete", "")]),
    "delete/modify": ({"a": lines((5, "x"))}, {"a": None}, [("a", "modify/delete", "")]),
    "both add": ({"new": "1\n"}, {"new": "2\n2\n"}, [("new", "contents", "1-1")]),
    "both rename": (
        {"a": None, "a1": lines()},
        {"a": None, "a2": lines()},
        [("a", "rename/rename", ""), ("a1", "rename/rename", ""), ("a2", "rename/rename", "")],
    ),
    "rename/delete": (
        {"a": None},
        {"a": None, "a2": lines()},
        [("a", "rename/delete", ""), ("a2", "rename/delete", "")],
    ),
    "rename and edit": (
        {"a": None, "a1": lines((5, "x"))},
        {"a": lines((5, "y"))},
        [("a1", "contents", "5-5")],
    ),
    "folder renamed": (
        {"d/1": None, "d/2": None, "e/1": "1\n", "e/2": "2\n"},
        {"d/3": "3\n"},
        [("d/3", "directory rename suggested", ""), ("e/3", "directory rename suggested", "")],
    ),
    "links": ({"new": (LINK, "a")}, {"new": (LINK, "b")}, [("new", "contents", "")]),
    "modes": ({"new": (EXECUTABLE, "1\n")}, {"new": "1\n"}, [("new", "contents", "")]),
    "strange names": ({"ä\n b\udcff": "1\n"}, {"ä\n b\udcff": "2\n"}, [("ä\n b\udcff", "contents", "1-1")]),
}
FITS: dict[str, tuple[Files, Files, Mapping[str, str | None]]] = {
    "rename and edit": ({"a": None, "a1": lines()}, {"a": lines((5, "y"))}, {"a1": lines((5, "y")), "a": None}),
    "same change": ({"a": lines((5, "x"))}, {"a": lines((5, "x"))}, {"a": lines((5, "x"))}),
    "far apart": (
        {"a": lines((5, "x"))},
        {"a": lines((25, "y"))},
        {"a": lines((5, "x"), (25, "y"))},
    ),
    "both delete": ({"a": None}, {"a": None, "b": None}, {"a": None, "b": None}),
    "mode and edit": ({"a": (EXECUTABLE, lines())}, {"a": lines((5, "y"))}, {"a": lines((5, "y"))}),
}


BINARY: tuple[Files, Files] = ({"bin": b"\0\1\3"}, {"bin": b"\0\1\4"})
IN_THE_WAY: tuple[Files, Files] = ({"new": "1\n"}, {"new/er": "1\n"})
CASES: dict[str, tuple[Files, Files]] = {
    **{f"clash {name}": (one, other) for name, (one, other, _) in CLASHES.items()},
    **{f"fit {name}": (one, other) for name, (one, other, _) in FITS.items()},
    "binary": BINARY,
    "in the way": IN_THE_WAY,
}
ORPHAN, SINGLE = 1, 2


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """All cases as branches of one repository, fetched; see :func:`pair` for their tickets."""
    folder = tmp_path_factory.mktemp("merging")
    builder = Builder(folder / "project.git")
    files: Files = {"a": lines(), "b": lines(), "crlf": lines().replace("\n", "\r\n"), "bin": b"\0\1\2"}
    builder.commit(files | {"d/1": "1\n", "d/2": "2\n", "deep/er/c": lines()})
    builder.tag("1.0")
    builder.commit({"zz": "1\n"}, branch=f"t{ORPHAN}")
    builder.commit({"a": lines((5, "x"))}, "1.0", branch=f"t{SINGLE}")
    for place, changes in enumerate(CASES.values()):
        for side in (0, 1):
            builder.commit(changes[side], "1.0", branch=f"t{10 + 2 * place + side}")
    made = Scene.of(builder, folder / "state")
    made.mirror.fetch_branches({int(branch[1:]): branch for branch in builder.tips if branch.startswith("t")})
    return made


def single(scene: Scene, number: int = SINGLE) -> Ticket:
    return ticket(number, commit=scene.builder.tips[f"t{number}"])


def pair(scene: Scene, case: str) -> tuple[Ticket, Ticket]:
    first = 10 + 2 * list(CASES).index(case)
    return single(scene, first), single(scene, first + 1)


@pytest.mark.parametrize("case", CLASHES)
def test_says_where_two_tickets_clash(scene: Scene, case: str) -> None:
    *_, places = CLASHES[case]
    clash = scene.merger.combine(pair(scene, f"clash {case}"))
    assert isinstance(clash, Clash)
    assert [(place.path, place.kind, place.lines) for place in clash.places] == sorted(places)
    assert all(place.hunk.startswith("<<<<<<< ") == bool(place.lines) for place in clash.places)
    assert clash.paths == {path for path, *_ in places}


@pytest.mark.parametrize("case", FITS)
def test_merges_what_git_merges(scene: Scene, case: str) -> None:
    *_, expected = FITS[case]
    head = scene.merger.combine(pair(scene, f"fit {case}"))
    assert isinstance(head, Candidate)
    files = scene.files(head)
    assert {path: files[path] + "\n" if path in files else None for path in expected} == expected


def test_a_binary_clash_has_no_lines(scene: Scene) -> None:
    clash = scene.merger.combine(pair(scene, "binary"))
    assert isinstance(clash, Clash)
    assert [(place.path, place.lines, place.hunk) for place in clash.places] == [("bin", "", "")]


def test_a_file_in_the_way_of_a_folder(scene: Scene) -> None:
    clash = scene.merger.combine(pair(scene, "in the way"))
    assert isinstance(clash, Clash)
    assert "new" in clash.paths


def test_the_same_day_gives_the_same_ids_for_anybody_anywhere(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename and an edit: with the user's `merge.renames=false` they would clash."""
    both = pair(scene, "fit rename and edit")
    here = scene.merger.combine(both)
    settings = tmp_path / "home" / ".gitconfig"
    settings.parent.mkdir()
    settings.write_text(
        "[user]\nname = Jane\nemail = j@example.org\n[merge]\nrenames = false\nconflictStyle = diff3\nff = only\n"
        "[commit]\ngpgSign = true\n[i18n]\ncommitEncoding = latin1\n[diff]\nrenames = false\nnoprefix = true\n"
        "[init]\ntemplateDir = /nowhere\ndefaultBranch = other\n[core]\nautocrlf = true\nquotePath = true\n"
    )
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(settings.parent))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Jane")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2001-01-01T00:00:00")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    monkeypatch.chdir(tmp_path)
    assert (
        run_git("config", "merge.renames", cwd=tmp_path, HOME=str(settings.parent), GIT_CONFIG_GLOBAL=str(settings))
        == "false"
    )
    there = Scene.of(scene.builder, tmp_path / "far" / "away")
    there.mirror.fetch_branches({each.number: f"t{each.number}" for each in both})
    assert there.mirror.repository.path != scene.mirror.repository.path
    assert there.merger.combine(both) == here


def test_another_day_or_committer_or_title_gives_another_commit_of_the_same_tree(scene: Scene) -> None:
    first, merger = single(scene), scene.merger
    others = [
        (replace(merger, date=DATE.replace(day=1), _known={}), first),
        (replace(merger, committer="Jane <jane@example.org>", _known={}), first),
        (merger, replace(first, number=3)),
        (replace(merger, _known={}), replace(first, title="Another")),
    ]
    made = [merger.combine([first]), *(other.combine([each]) for other, each in others)]
    assert all(isinstance(each, Candidate) for each in made)
    assert len({each.commit for each in made if isinstance(each, Candidate)}) == 5
    assert len({each.tree for each in made if isinstance(each, Candidate)}) == 1
    assert [each.tickets for each in made if isinstance(each, Candidate)] == [(2,), (2,), (2,), (3,), (2,)]


def test_what_a_merge_commit_says(scene: Scene) -> None:
    tip = single(scene).commit
    told = Ticket(
        number=7,
        title="Fix it",
        commit=tip,
        url="https://example.org/7",
        authors=("Jane Doe", "Émile"),
        reviewers=("Max",),
        description="  Why\n\nand how. ",
    )
    merger = replace(scene.merger, _known={})
    head = merger.merge(merger.base, told)
    assert isinstance(head, Candidate)
    assert run_git("cat-file", "-p", head.commit, cwd=scene.mirror.repository.path) == (
        f"tree {head.tree}\nparent {scene.release.commit}\nparent {tip}\n"
        f"author {COMMITTER} 1795392000 +0000\ncommitter {COMMITTER} 1795392000 +0000\n\n"
        "#7: Fix it\n\nWhy\n\nand how.\n\n"
        "URL: https://example.org/7\nTicket author(s): Jane Doe, Émile\nReviewer(s): Max"
    )


@pytest.mark.parametrize(
    "hostile",
    [
        Ticket(number=7, title=HOSTILE),
        Ticket(number=7, title="x", description=HOSTILE),
        Ticket(number=7, title="x", url=HOSTILE),
        Ticket(number=7, title="x", authors=(HOSTILE, HOSTILE), reviewers=(HOSTILE,)),
    ],
    ids=["title", "description", "url", "names"],
)
def test_hostile_text_makes_a_sound_commit_with_one_subject(scene: Scene, hostile: Ticket) -> None:
    merger = replace(scene.merger, _known={})
    head = merger.merge(merger.base, replace(hostile, commit=single(scene).commit))
    assert isinstance(head, Candidate)
    folder = scene.mirror.repository.path
    assert run_git("fsck", "--strict", "--no-dangling", head.commit, cwd=folder) == ""
    assert run_git("log", "-1", "--format=%T %P", head.commit, cwd=folder).split()[0] == head.tree
    assert run_git("log", "-1", "--format=%s", head.commit, cwd=folder).startswith("#7: ")
    body = run_git("cat-file", "commit", head.commit, cwd=folder)
    assert "\0" not in body
    assert "é" in body


def test_a_title_is_one_line() -> None:
    assert merge_message(ticket(7, title="Fix\n\nit\r\n")) == "#7: Fix it\n"


def test_histories_without_a_common_commit_clash(scene: Scene) -> None:
    clash = scene.merger.combine([single(scene, ORPHAN)])
    assert isinstance(clash, Clash)
    assert clash.places == (ConflictPlace(path="", kind="no common history"),)


def test_replace_refs_change_nothing(scene: Scene) -> None:
    one, other = pair(scene, "clash contents")
    clash = scene.merger.combine([one, other])
    assert isinstance(clash, Clash)
    run_git("replace", other.commit, one.commit, cwd=scene.mirror.repository.path)
    again = replace(scene.merger, _known={}).combine([one, other])
    run_git("replace", "-d", other.commit, cwd=scene.mirror.repository.path)
    assert again == clash


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A merge that has to look into a file of a folder, in every one of three commits."""
    folder = tmp_path_factory.mktemp("torn")
    builder = Builder(folder / "project.git")
    builder.commit({"a": lines(), "deep/er/c": lines(), "deep/d": "1\n"}, branch="start")
    builder.commit({"a": lines((3, "x")), "deep/er/c": lines((3, "x"))}, "start", branch="one")
    builder.commit({"a": lines((27, "y")), "deep/er/c": lines((27, "y"))}, "start", branch="main")
    builder.tag("1.0")
    scene = Scene.of(builder, folder / "state")
    scene.tickets(one=1)
    shutil.rmtree(scene.mirror.repository.path / "objects" / "info")  # the commit graph knows commits that are gone
    return scene


@pytest.mark.parametrize("commit", ["one", "start", "main"])
@pytest.mark.parametrize("what", ["", "^{tree}", ":deep", ":deep/er", ":a"])
def test_a_missing_object_is_never_a_clean_merge_nor_a_clash(
    torn: Scene, tmp_path: Path, commit: str, what: str
) -> None:
    """Before git 2.45, a missing tree can pass with status 0."""
    name = torn.builder.git("rev-parse", commit + what)
    place = torn.mirror.repository.path / "objects" / name[:2] / name[2:]
    aside = place.rename(tmp_path / "aside")
    merger, wanted = replace(torn.merger, _known={}), ticket(1, commit=torn.builder.tips["one"])
    try:
        with pytest.raises(SourceError):
            merger.merge(merger.base, wanted)
    finally:
        aside.rename(place)
    assert isinstance(merger.merge(merger.base, wanted), Candidate)


def random_changes(rng: random.Random, files: dict[str, str]) -> Files:
    """A few edits, renames, additions and deletions, which often meet in the same places."""
    changes: Files = {}
    for _ in range(rng.randint(1, 4)):
        path = rng.choice(sorted(files))
        text = changes.get(path) or files[path]
        assert isinstance(text, str)
        rows = text.splitlines(keepends=True)
        at = rng.randrange(len(rows))
        match rng.choice(["edit", "edit", "edit", "insert", "delete", "rename", "add", "remove"]):
            case "edit":
                changes[path] = "".join([*rows[:at], f"edited {rng.randint(1, 2)}\n", *rows[at + 1 :]])
            case "insert":
                changes[path] = "".join([*rows[:at], f"new {rng.randint(1, 2)}\n" * 3, *rows[at:]])
            case "delete" if len(rows) > 3:
                changes[path] = "".join([*rows[:at], *rows[at + 2 :]])
            case "rename":
                changes |= {path: None, rng.choice(["d/x", "e/x", f"{path}.new"]): text}
            case "add":
                changes[rng.choice(["d/new", "e/new", "new"])] = f"{rng.randint(1, 2)}\n"
            case _:
                changes[path] = None
    return changes


@pytest.mark.slow
def test_agrees_with_git_merge_on_random_histories(tmp_path: Path) -> None:
    builder = Builder(tmp_path / "project.git")
    rng = random.Random(20261123)  # noqa: S311  chance is all that is asked of it
    files = {path: lines(count=12).replace("line", path) for path in ("a", "b", "d/1", "d/2", "e/1")}
    base = builder.commit(dict(files))
    builder.tag("0.1")
    cases = 24
    for case in range(cases):
        for side in "ab":
            builder.commit(random_changes(rng, files), base, branch=f"{side}{case}")
        if case % 4 == 0:  # a criss-cross: two common ancestors
            one, two = builder.tips[f"a{case}"], builder.tips[f"b{case}"]
            builder.commit({}, one, two, branch=f"a{case}")
            builder.commit({}, two, one, branch=f"b{case}")
            for side in "ab":
                builder.commit(random_changes(rng, files), branch=f"{side}{case}")
    mirror = Mirror.of(builder.url, tmp_path / "state")
    mirror.fetch_branches(
        {2 * case + place: f"{side}{case}" for case in range(cases) for place, side in enumerate("ab")}
    )
    run_git("clone", "--quiet", "--no-checkout", builder.url, str(tmp_path / "clone"), cwd=tmp_path)
    outcomes = [
        agree(mirror, tmp_path / "clone", builder.tips[f"a{case}"], builder.tips[f"b{case}"]) for case in range(cases)
    ]
    assert 6 <= sum(outcomes) <= cases - 6, "the cases are too much alike to show anything"


def agree(mirror: Mirror, clone: Path, ours: str, theirs: str) -> bool:
    """Whether the two merge, by our account and by that of `git merge`."""
    release = Release(tag="1", version=Version("1"), commit=ours, tree=f"{ours}^{{tree}}")
    found = Merger(mirror.repository, release, DATE, COMMITTER).combine([ticket(1, commit=theirs)])
    run_git("checkout", "--quiet", "--force", "--detach", ours, cwd=clone)
    run_git("merge", "--quiet", "--no-ff", "-m", "merge", theirs, cwd=clone, ok=(0, 1))
    unmerged = run_git("ls-files", "--unmerged", "-z", cwd=clone).split("\0")[:-1]
    if isinstance(found, Clash):
        assert {row.split("\t", 1)[1] for row in unmerged} <= found.paths
        assert unmerged
        run_git("merge", "--abort", cwd=clone)
        return False
    assert not unmerged
    assert found.tree == run_git("rev-parse", "HEAD^{tree}", cwd=clone)
    return True

"""Random pairs of trees, merged by Integrand and by `git merge` in a work tree: the same trees, the same conflicts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from sessions.source.merge_tree import MergeTree
from sessions.source.repository import Repository
from tests.repositories import EXECUTABLE, LINK, SUBMODULE, Content, change, data, run_git

if TYPE_CHECKING:
    from pathlib import Path

# At a desk all; in CI, where other jobs wait, a part.
EXAMPLES = int(os.environ.get("INTEGRAND_MERGES", "150" if os.environ.get("CI") == "true" else "2000"))
Tree = dict[str, Content]

PATHS = ("a", "b.u", "c.lock", "d/a", "d/b.u", "d/e/c.lock", "f/a", "f/b.tbl")
MORE = ("new", "new.u", "d/new", "g/a", "g/b.u", "d", "f", "a/b")
RULES = (
    *("*.u merge=union", "*.lock -merge", "*.lock binary", "a merge=binary", "*.tbl merge=tbl", "* merge=union"),
    *("*.u !merge", "*.u merge", "*.u merge=text", "* -diff", "a conflict-marker-size=12", "e/* -merge"),
    *("[attr]loose merge=union", "*.lock loose", "d/** merge=union", "/a loose", "# merge=union", "*.u eol=lf"),
)
BASE: Tree = {path: "".join(f"{path} {line}\n" for line in range(9)) for path in PATHS}
BASE |= {"link": (LINK, "a"), "tool": (EXECUTABLE, "#!/bin/sh\n" * 3), "module": (SUBMODULE, "1" * 40)}

rules = st.lists(st.sampled_from(RULES), max_size=3).map(lambda some: "".join(f"{rule}\n" for rule in some))


@st.composite
def edits(draw: st.DrawFn, path: str, content: Content) -> Tree:
    """What one side makes of a file."""
    kind = draw(st.sampled_from(("change", "change", "change", "add", "move", "remove", "mode", "link", "module")))
    text = content if content and isinstance(content, str) else "".join(f"other {line}\n" for line in range(9))
    rows = text.splitlines(keepends=True)
    at = draw(st.integers(0, len(rows) - 1))
    word = draw(st.sampled_from(("one\n", "two\n")))
    target = draw(st.sampled_from(MORE))
    changed = "".join([*rows[:at], word, *rows[at + 1 :]])
    made: dict[str, Tree] = {
        "change": {path: changed},
        "add": {path: "".join([*rows[:at], word, *rows[at:]])},
        "move": {path: None, target: changed if draw(st.booleans()) else text},
        "remove": {path: None},
        "mode": {path: (EXECUTABLE, text)},
        "link": {target: (LINK, word.strip())},
        "module": {draw(st.sampled_from(("module", "d/module"))): (SUBMODULE, draw(st.sampled_from("123")) * 40)},
    }
    return made[kind]


@st.composite
def sides(draw: st.DrawFn, base: Tree) -> Tree:
    """The changes of one side; a path stands for one thing, and lies in nothing that is no folder."""
    changes: Tree = {}
    for path in draw(st.lists(st.sampled_from(sorted(base)), min_size=1, max_size=4, unique=True)):
        changes |= draw(edits(path, base[path]))
    if draw(st.integers(0, 5)) == 0:
        changes[draw(st.sampled_from((".gitattributes", "d/.gitattributes")))] = draw(rules)
    whole = {path: content for path, content in {**base, **changes}.items() if content is not None}
    hidden = {path for path in whole if any(path.startswith(f"{other}/") for other in whole)}
    return {path: content for path, content in changes.items() if path not in hidden} | dict.fromkeys(
        hidden & base.keys()
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Tree, Tree, Tree]:
    base = {**BASE, ".gitattributes": draw(rules)}
    if draw(st.booleans()):
        base["d/.gitattributes"] = draw(rules)
    return base, draw(sides(base)), draw(sides(base))


@dataclass(frozen=True)
class Bench:
    """A clone with a work tree, in which both merge."""

    folder: Path
    repository: Repository

    def commit(self, trees: tuple[Tree, Tree, Tree]) -> tuple[str, str]:
        """Two commits on one base."""
        stream = b"feature done\n"
        for mark, tree in enumerate(trees, start=1):
            stream += b"commit refs/heads/x%d\nmark :%d\ncommitter C <c@example.org> 0 +0000\n" % (mark, mark)
            stream += data(b"x") + (b"from :1\n" if mark > 1 else b"deleteall\n")
            for path, content in sorted(tree.items(), key=lambda item: item[1] is not None):
                stream += change(path, content)
            stream += b"\n"
        stream += b"get-mark :2\nget-mark :3\ndone\n"
        ours, theirs = run_git("fast-import", "--quiet", "--force", cwd=self.folder, put=stream).split()
        return ours, theirs

    def merge(self, ours: str, theirs: str) -> tuple[str, set[str]]:
        """What `git merge` makes of them: a tree, or the unmerged entries of the index."""
        run_git("clean", "-ffdxq", cwd=self.folder)
        run_git("checkout", "--quiet", "--force", "--detach", ours, cwd=self.folder)
        run_git("clean", "-ffdxq", cwd=self.folder)
        run_git("merge", "--quiet", "--no-ff", "--no-stat", "-m", "merge", theirs, cwd=self.folder, ok=(0, 1))
        unmerged = set(run_git("ls-files", "--unmerged", "-z", cwd=self.folder).split("\0")[:-1])
        tree = "" if unmerged else run_git("rev-parse", "HEAD^{tree}", cwd=self.folder)
        run_git("reset", "--quiet", "--hard", ours, cwd=self.folder)
        return tree, unmerged


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("merges") / "clone"
    folder.mkdir()
    run_git("init", "--quiet", "--template=", cwd=folder)
    return Bench(folder, Repository.open(folder))


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.generate],
)
@given(case=cases())
def test_merges_what_git_merges_and_conflicts_where_git_does(bench: Bench, case: tuple[Tree, Tree, Tree]) -> None:
    ours, theirs = bench.commit(case)
    tree, unmerged = bench.merge(ours, theirs)
    merges = MergeTree(bench.repository)
    merge = merges.merge(ours, theirs)
    merges.close()
    stages = set(merge.rest[: merge.rest.index("")]) if merge.rest else set()
    event(f"conflict: {not merge.clean}")
    # `git merge` calls our side HEAD where it has to find a free name for a file.
    assert {stage.replace(f"~{ours}", "~HEAD") for stage in stages} == unmerged
    assert not tree or tree == merge.tree
    assert merge.clean == bool(tree)

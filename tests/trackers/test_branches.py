"""A list of branches: its two formats, patterns, other repositories, and the sample's day."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sessions.day.merge_queue import build_queue
from sessions.day.ticket_selection import todays_rules
from sessions.integrate import integrate
from sessions.main import run_init
from sessions.sample.unpack import unpack_sample
from sessions.settings.configuration import Config, Gate, Project
from sessions.settings.configuration_file import load_config
from sessions.settings.options import Options
from sessions.settings.ticket_settings import Tracker
from sessions.source.mirror import Mirror
from sessions.terminal.console import Console
from sessions.terminal.errors import TrackerError
from sessions.tickets.dependencies import read_dependencies
from sessions.tickets.eligibility import Rules, why_not
from sessions.tickets.model import Ticket
from sessions.tickets.trackers import recognise_address
from sessions.tickets.trackers.branches import BRANCHES
from sessions.tickets.trackers.branches.tracker import BranchList
from sessions.tickets.trackers.configured import connect_tracker
from sessions.tickets.trackers.kind import Surroundings
from tests.repositories import DATE, Builder, run_git
from tests.trackers.sample_day import PAIR_AND_TEXTS, check_day, day_options, days_tickets

# The form of linux-next's Next/Trees, with a comment as git.git's own lists have them.
TREES = """Trees included into this release:

Name\t\tType\tUrl
----\t\t----\t---
origin\t\tgit\tgit://git.example/torvalds/linux.git#master
fixes\t\tgit\tgit://git.example/sfr/next-fixes.git#fixes
jdelvare-hwmon\tquilt\thttp://jdelvare.example/devel/linux-3/jdelvare-hwmon/
# Our own:
trees-of-ours\thttps://git.example/ours.git\ttopic/one
"""


def branch_list(path: Path, text: str, refs: Mapping[str, str] | None = None) -> BranchList:
    path.write_text(text, encoding="utf-8")
    return BranchList(Tracker(tracker="branches", url=str(path)), Surroundings(list_refs=lambda _url: refs or {}))


@pytest.mark.parametrize("heading", ["Url", "URL"])
def test_a_text_as_linux_nexts_is_read_in_its_order(tmp_path: Path, heading: str) -> None:
    tickets = branch_list(tmp_path / "Trees", TREES.replace("Url", heading), {"refs/heads/fixes": "a" * 40}).read()
    assert [(each.number, each.title, each.repository, each.branch, each.commit) for each in tickets] == [
        (1, "origin", "git://git.example/torvalds/linux.git", "refs/heads/master", ""),
        (2, "fixes", "git://git.example/sfr/next-fixes.git", "refs/heads/fixes", "a" * 40),
        (3, "jdelvare-hwmon", "", "", ""),
        (4, "trees-of-ours", "https://git.example/ours.git", "refs/heads/topic/one", ""),
    ]
    rules = Rules(ready=(), never=(), milestone=None)
    assert why_not(tickets[2], rules) == "it is a series of patches for quilt, and no branch"
    assert why_not(tickets[1], rules) is None


# The first names of linux-next's list of 2015, and its order; `fs-current` is of the list of 2025.
NAMES_OF_LINUX_NEXT = [
    "origin",
    "fixes",
    "kbuild-current",
    "arc-current",
    "arm-current",
    "m68k-current",
    "metag-fixes",
    "mips-fixes",
    "powerpc-fixes",
    "powerpc-merge-mpe",
    "sparc",
    "net",
    "ipsec",
    "sound-current",
    "pci-current",
    "wireless-drivers",
    "driver-core.current",
    "tty.current",
    "usb.current",
    "usb-gadget-fixes",
    "usb-serial-fixes",
    "staging.current",
    "char-misc.current",
    "input-current",
    "crypto-current",
    "ide",
    "devicetree-current",
    "rr-fixes",
    "vfio-fixes",
    "kselftest-fixes",
    "backlight-fixes",
]


def test_a_plan_keeps_the_names_and_the_order_of_linux_nexts_list(builder: Builder, tmp_path: Path) -> None:
    builder.commit({"a": "1\n"})
    builder.tag("1.0")
    rows = [
        "Trees included into this release:",
        "",
        "Name\t\tType\tUrl",
        "----\t\t----\t---",
        "fs-current\tgit\tlinux-next",
    ]
    for place, name in enumerate(NAMES_OF_LINUX_NEXT):
        branch = f"for-next/{name}"
        builder.commit({f"f{place}": "1\n"}, "1.0", branch=branch)
        rows.append(f"{name}\tgit\tfile://{builder.path}#{branch}")
    (tmp_path / "Trees").write_text("\n".join(rows) + "\n")
    tracker = Tracker(tracker="branches", url="Trees", milestone="", order="listed")
    text = "".join(f"{key} = {json.dumps(getattr(tracker, key))}\n" for key in ("tracker", "url", "milestone", "order"))
    head = f'version = 1\n[project]\nname = "next"\nrepository = "{builder.path}"\n[tickets]\n{text}'
    (tmp_path / "integration.toml").write_text(f'{head}[[gates]]\nname = "build"\nrun = "true"\n')
    options = Options(config=tmp_path / "integration.toml", state=tmp_path / "state", date=DATE, plan=True)
    record = integrate(options, Console(to_stderr=True))
    verdicts = {each.title: each for each in record.tickets}
    assert verdicts["fs-current"].reason == "the list names no branch of it (URL#BRANCH)"
    assert [each.title for each in record.tickets if each.verdict == "integrated"] == NAMES_OF_LINUX_NEXT


def test_a_pattern_is_all_its_branches_and_others_can_depend_on_it(tmp_path: Path) -> None:
    text = (
        '[[branch]]\nbranch = "main"\n[[branch]]\nname = "topics"\nbranch = "topic/*"\nlabels = ["ready"]\n'
        '[[branch]]\nname = "last"\nbranch = "last"\ndepends = ["topics"]\nnumber = 9\n'
    )
    names = ("main", "last", "topic/b", "topic/a/deep", "topical")
    refs = {f"refs/heads/{name}": f"{place:040x}" for place, name in enumerate(names)} | {"refs/tags/topic/x": "f" * 40}
    found = branch_list(tmp_path / "branches.toml", text, refs).read()
    assert [(each.number, each.title, each.labels, each.depends) for each in found] == [
        (1, "main", (), ()),
        (2001, "topic/a/deep", ("ready",), ()),
        (2002, "topic/b", ("ready",), ()),
        (9, "last", (), (2001, 2002)),
    ]
    assert found[2].commit == f"{2:040x}"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("Trees", "one git git://x", r"Trees, line 1: must be `NAME git URL#BRANCH` or `NAME REMOTE BRANCH`"),
        ("Trees", "\none", r"Trees, line 2: must be"),
        ("Trees", "a x b\na y c", r"the entry 'a' is there twice"),
        ("b.toml", "[[branch]]\n", r"branch 1: 'branch' is missing"),
        (
            "b.toml",
            '[[branch]]\nbranch = "a"\nnumbre = 1\n',
            r"branch 1: unknown key 'numbre'; known are name, branch,",
        ),
        ("b.toml", '[[branch]]\nbranch = "a"\ndepends = "b"\n', r"branch 1: depends cannot be 'b'"),
        ("b.toml", '[[branch]]\nbranch = "a"\ndepends = ["b"]\n', r"a depends on 'b', which is no entry"),
        ("b.toml", '[[branch]]\nbranch = "a"\nnumber = -1\n', r"number cannot be -1"),
        ("b.toml", '[[branch]]\nbranch = "a"\ncommit = "abc"\n', r"commit cannot be 'abc'"),
        (
            "b.toml",
            '[[branch]]\nbranch = "a"\n[[branch]]\nbranch = "b"\nnumber = 1\n',
            r"two branches have the number 1",
        ),
        ("b.toml", "branch = 1\n", r"may hold \[\[branch\]\] tables only"),
        ("b.toml", "[[branch\n", r"cannot be read: "),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    with pytest.raises(TrackerError, match=sentence) as caught:
        branch_list(tmp_path / name, text).read()
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_the_mark_with_which_some_editors_begin_is_no_part_of_a_list(tmp_path: Path) -> None:
    with pytest.raises(TrackerError, match=r"a depends on 'b', which is no entry"):
        branch_list(tmp_path / "b.toml", '\ufeff[[branch]]\nbranch = "a"\ndepends = ["b"]\n').read()


# On real repositories


@pytest.fixture
def other(builder: Builder, tmp_path: Path) -> Builder:
    """A second repository, which has the project's release and two topics."""
    base = builder.commit({"a": "1\n"})
    builder.tag("1.0")
    builder.commit({"c": "1\n"}, base, branch="mine")
    copy = Builder(tmp_path / "other.git")
    assert copy.commit({"a": "1\n"}) == base
    copy.commit({"b": "1\n"}, base, branch="topic/one")
    copy.commit({"a": "2\n"}, base, branch="topic/two")
    copy.commit({"d": "1\n"}, base, branch="mine")
    return copy


def drawn(builder: Builder, tmp_path: Path, text: str) -> tuple[dict[int, str], Mirror]:
    """What becomes of the tickets of a list, before they are merged; and the mirror."""
    path = tmp_path / "branches.toml"
    path.write_text(text)
    settings = Tracker(tracker="branches", url=str(path), milestone="", order="listed")
    mirror = Mirror.of(builder.url, tmp_path / "state")
    tickets = connect_tracker(settings, Surroundings(list_refs=mirror.list_refs)).read()
    config = Config(
        version=1,
        project=Project(name="p", repository=builder.url),
        tickets=(settings,),
        gates=(Gate(name="g", run="true"),),
    )
    options = Options(config=tmp_path / "x.toml", state=tmp_path / "state", date=DATE)
    release = mirror.release("latest")
    queue = build_queue(tickets, todays_rules(config, release, tickets), mirror, release, config, options)
    ready = {each.number: f"ready at {each.commit[:10]}" for each in queue.tickets}
    return ready | {number: str(decision.reason) for number, decision in queue.out.items()}, mirror


def test_branches_of_other_repositories_are_fetched_under_the_tickets_numbers(
    builder: Builder, other: Builder, tmp_path: Path
) -> None:
    text = (
        f'[[branch]]\nbranch = "mine"\n[[branch]]\nname = "topics"\nremote = "{other.url}"\nbranch = "topic/*"\n'
        f'[[branch]]\nname = "theirs"\nremote = "{other.url}"\nbranch = "mine"\n'
        f'[[branch]]\nname = "none"\nremote = "{other.url}"\nbranch = "no-such"\n'
        f'[[branch]]\nname = "down"\nremote = "{tmp_path}/nowhere.git"\nbranch = "main"\n'
    )
    found, mirror = drawn(builder, tmp_path, text)
    tips = {name: tip[:10] for name, tip in other.tips.items()}
    assert found[1] == f"ready at {builder.tips['mine'][:10]}"
    assert (found[2001], found[2002]) == (f"ready at {tips['topic/one']}", f"ready at {tips['topic/two']}")
    assert found[3] == f"ready at {tips['mine']}"
    assert found[4] == "the repository has no branch refs/heads/no-such"
    assert "nowhere.git cannot be read as a git repository" in found[5]
    refs = run_git("for-each-ref", "--format=%(refname)", cwd=mirror.repository.path).split()
    assert {ref for ref in refs if "tickets" in ref} == {f"refs/integrand/tickets/{n}" for n in (1, 2001, 2002, 3)}


def test_a_pattern_in_a_repository_that_cannot_be_read_stops_the_day(builder: Builder, tmp_path: Path) -> None:
    builder.commit({"a": "1\n"})
    builder.tag("1.0")
    text = f'[[branch]]\nname = "all"\nremote = "{tmp_path}/nowhere.git"\nbranch = "topic/*"\n'
    with pytest.raises(TrackerError, match=r"the pattern all cannot be looked up: .*nowhere\.git cannot be read"):
        drawn(builder, tmp_path, text)


def test_init_takes_it(builder: Builder, tmp_path: Path) -> None:
    for typed in ("Trees", "next/Trees", "branches.toml", "branches:any.toml"):
        address = recognise_address(typed)
        assert address
        assert address.kind is BRANCHES
    builder.commit({"Makefile": "check:\n"})
    builder.tag("1.0")
    run_git("clone", "--quiet", builder.url, "p", cwd=tmp_path)
    (tmp_path / "p" / "Trees").write_text(TREES)
    assert run_init(("--tracker", "Trees"), tmp_path / "p") is None
    tickets = load_config(tmp_path / "p" / "integration.toml").tickets[0]
    assert (tickets.tracker, tickets.url) == ("branches", "Trees")


@pytest.mark.slow
def test_the_samples_day_with_half_of_its_branches_elsewhere(tmp_path: Path) -> None:
    sample = unpack_sample(tmp_path / "sample")
    other = tmp_path / "other.git"
    run_git("clone", "--quiet", "--mirror", str(sample.repository), str(other), cwd=tmp_path)
    numbers = [each.number for each in days_tickets(sample, *PAIR_AND_TEXTS)]
    rows = [row for row in tomllib.loads(sample.tickets.read_text())["ticket"] if row["number"] in numbers]
    tables = [_table(row, str(other) if row["number"] % 2 else "") for row in rows]
    (tmp_path / "branches.toml").write_text("\n".join(tables))
    options = day_options(tmp_path, sample, tracker="branches", url="branches.toml")

    def writes() -> int:
        return sum(1 for _ in (tmp_path / "branches.told").iterdir())

    # A list always names a branch: one without is one that cannot be fetched.
    check_day(options, writes, {122: "unfetchable"}, numbers)
    comment = (tmp_path / "branches.told" / "116.md").read_text()
    assert "nox -s reproduce -- 116" in comment


def _table(row: dict[str, Any], remote: str) -> str:
    names = [f"t{number}" for number in read_dependencies(row.get("depends", ""), number=row["number"]).hard]
    values = {
        "number": row["number"],
        "name": f"t{row['number']}",
        "branch": row.get("branch") or "none",
        "remote": remote,
        "depends": names,
        **{key: row[key] for key in ("labels", "milestone", "commit", "authors") if row.get(key)},
    }
    return "[[branch]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def test_tickets_of_a_file_can_be_elsewhere_too(builder: Builder, other: Builder, tmp_path: Path) -> None:
    mirror = Mirror.of(builder.url, tmp_path / "state")
    fetched = mirror.fetch_branches({7: "topic/one", 8: "mine"}, {7: other.url})
    assert fetched.tips == {7: other.tips["topic/one"], 8: builder.tips["mine"]}
    assert Ticket(number=7, title="T").repository == ""

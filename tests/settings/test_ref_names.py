from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.settings.ref_names import branch_fault

NAMES = [
    *(
        "main",
        "next 2026",
        "a..b",
        "a.lock",
        "a.lock/b",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.",
        "-a",
        "@",
        "a@{b",
        "HEAD",
    ),
    *(
        "a~b",
        "a^b",
        "a:b",
        "a?b",
        "a*b",
        "a[b",
        "a\\b",
        "a\tb",
        "a\x7fb",
        "",
        "1.0+integration-2026-11-23",
        "größe",
        "a@b",
    ),
    *("{release}", "a.b/c.d", "HEAD/x", "a/HEAD", "a-", "a/-b", "lock", "a.lockx", "@x", "a..", "a/@"),
]


def git_takes(name: str) -> bool:
    """Whether git would make a branch of this name."""
    words = ["git", "check-ref-format", "--branch", name]
    done = subprocess.run(words, capture_output=True, cwd="/", check=False)
    return not done.returncode and done.stdout.decode().rstrip("\n") == name


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_refused_where_git_refuses_it(name: str) -> None:
    assert bool(branch_fault(name)) != git_takes(name)


@settings(max_examples=2 * settings().max_examples)
@given(name=st.text(st.sampled_from("a.-/@{~ :lock\\*[HED"), min_size=1, max_size=8))
def test_made_up_names_are_refused_where_git_refuses_them(name: str) -> None:
    assert bool(branch_fault(name)) != git_takes(name), branch_fault(name)

"""A bundle from a machine that ran tickets' code: git checks each object before it counts here."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sessions.publishing.recorded_head import fetch_head, pack_head
from sessions.source.evidence_bundle import fetch_bundle, write_bundle
from sessions.source.mirror import Mirror
from sessions.terminal.errors import SourceError
from tests.repositories import Builder


def commit_with(builder: Builder, base: str, *, name: str = "new.txt", zone: str = "+0000") -> str:
    """Write a commit on ``base`` as no porcelain of git would, and return its id."""
    blob = builder.git("hash-object", "-w", "--stdin", put=b"new\n")
    tree = builder.git("mktree", put=f"100644 blob {blob}\t{name}\n".encode())
    who = f"A <a@example.org> 1767225600 {zone}"
    text = f"tree {tree}\nparent {base}\nauthor {who}\ncommitter {who}\n\na head\n"
    return builder.git("hash-object", "-t", "commit", "--literally", "-w", "--stdin", put=text.encode())


@pytest.fixture(params=["head", "evidence"])
def carry(request: pytest.FixtureRequest, builder: Builder, tmp_path: Path) -> Any:
    """Take a commit from one machine's mirror to another's, as `publish` or as `reproduce` does."""
    base = builder.commit({"a.txt": "a\n"})
    builder.tag("1.0", base)
    here, there = (Mirror.of(builder.url, tmp_path / name) for name in ("here", "there"))
    release = here.release("latest")
    there.release("latest")
    bundle = tmp_path / "commits.bundle"

    def carry(**words: str) -> tuple[Mirror, str]:
        commit = commit_with(builder, base, **words)
        builder.git("update-ref", "refs/heads/odd", commit)
        here.repository.git("fetch", "--quiet", builder.url, commit, online=True)
        if request.param == "head":
            record: Any = SimpleNamespace(branch="1.0+day", head=commit, base=base, release="1.0")
            pack_head(here, record, bundle)
            builder.git("update-ref", "-d", "refs/heads/odd")
            fetch_head(there, record, bundle)
        else:
            write_bundle(here.repository, [commit], release.commit, bundle)
            fetch_bundle(there, [commit], bundle)
        return there, commit

    return carry


@pytest.mark.parametrize("name", [".git", "..", ".GIT"])
def test_an_object_that_no_checkout_may_write_does_not_come_in(carry: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match=r"commits\.bundle cannot be used \(.*(has[D.]|fsck|contains)") as error:
        carry(name=name)
    assert "\n" not in str(error.value)
    refs = Mirror.of(str(tmp_path / "project.git"), tmp_path / "there").repository.git("for-each-ref").text
    assert not re.search(r"days/1\.0\+day|reproduce/", refs)


@pytest.mark.parametrize("zone", ["+051800", "-7"])
def test_an_odd_date_that_keeps_no_ticket_out_keeps_no_head_back(carry: Any, zone: str) -> None:
    there, commit = carry(zone=zone)
    assert there.present([commit]) == {commit}

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.ledger.record_file import parse_record
from sessions.reporting.html import page
from sessions.terminal.harmless_text import harmless
from tests.reporting.big_day import big_day
from tests.reporting.hostile import HOSTILE, poisoned

STATE = Path("/nonexistent")
# Attributes in which a ticket's text stands; all others are ours.
TELLING = {"data-title", "data-priority", "content", "aria-label"}


class Shape(HTMLParser):
    """The elements and attributes of a page, without its words."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "xlink:href")]

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


# `loose` texts of several lines or with a marker change how a conflict is laid out, so each is compared with its like.
def like(text: str) -> str:
    return re.sub(r"[^\n]", "x", harmless(text)) if not text.startswith("<<<<<<<") else text.translate({60: 60})


@pytest.mark.parametrize("text", HOSTILE[:-1])
def test_hostile_text_stays_text(text: str) -> None:
    seen, quiet = (
        Shape(page(parse_record(poisoned(text)), STATE)),
        Shape(page(parse_record(poisoned(like(text))), STATE)),
    )
    assert seen.tags == quiet.tags
    assert any(harmless(text) in part for part in seen.texts)


def test_hostile_hunks_are_laid_out_and_stay_text() -> None:
    seen = Shape(page(parse_record(poisoned(HOSTILE[-1])), STATE))
    assert ("b", ()) in seen.tags
    assert "<b>" not in {tag for tag, _ in seen.tags}
    assert "<b" in "".join(seen.texts)


@settings(max_examples=min(20, settings().max_examples), deadline=None)
@given(
    st.lists(st.sampled_from(["<", ">", '"', "'", "&", "=", "{{", "--", "/", "script", "a", " ", "&lt;"]), max_size=9)
)
def test_any_text_stays_text(parts: list[str]) -> None:
    text = "".join(["t", *parts])
    assert (
        Shape(page(parse_record(poisoned(text)), STATE)).tags == Shape(page(parse_record(poisoned("text")), STATE)).tags
    )


def test_no_link_leads_to_a_script_and_nothing_is_loaded() -> None:
    record = poisoned("javascript:alert(1)")
    links = Shape(page(parse_record(record), STATE)).links
    assert {link for link in links if not link.startswith("#")} == {"../index.html", "run.json", *icons(links)}
    assert icons(links)


def icons(links: list[str]) -> list[str]:
    return [link for link in links if link.startswith("data:image/svg+xml,")]


def test_the_policy_names_the_style_and_the_script_that_are_there_and_nothing_else() -> None:
    text = page(parse_record(big_day(size=5)), STATE)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    for tag in ("style", "script"):
        [inside] = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy[1]
    assert policy[1].startswith("default-src &#39;none&#39;; ")
    # A style attribute would be refused, and the page would not look as it should.
    assert not [attrs for _, attrs in Shape(text).tags if "style" in attrs]


def test_a_log_is_shown_by_its_end_and_its_absence_is_said(tmp_path: Path) -> None:
    record = big_day(size=40, seed=3)
    culprits = [each for each in record["tickets"] if each["verdict"] == "culprit"]
    (tmp_path / "logs").mkdir()
    assert page(parse_record(record), tmp_path).count("is not there any more") == len(culprits)
    for probe in record["probes"]:
        (tmp_path / probe["log"]).write_text("".join(f"line {n}\n" for n in range(100)) + "<b>boom</b>\n")
    text = page(parse_record(record), tmp_path)
    assert "is not there any more" not in text
    assert text.count("line 99\n&lt;b&gt;boom") == len(culprits)
    assert "line 70\n" not in text


def test_a_log_outside_the_state_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "state" / "logs").mkdir(parents=True)
    (tmp_path / "secret.log").write_text("a secret")
    record = big_day(size=40, seed=3)
    for probe in record["probes"]:
        probe["log"] = "../secret.log"
    assert "a secret" not in page(parse_record(record), tmp_path / "state")


@pytest.mark.parametrize("state", ["green", "red", "paused", "empty", "broken"])
def test_every_state_has_a_page(state: str) -> None:
    record = big_day(size=0) | {"state": state, "probes": [], "message": "a message"}
    assert "A message." in page(parse_record(record), STATE)
    assert f'class="is-{state}"' in page(parse_record(record), STATE)


def test_a_record_of_before_the_new_fields_still_has_a_page() -> None:
    record = big_day(size=30)
    del record["queue"], record["options"]
    for probe in record["probes"]:
        del probe["failed"]
    for gate in record["gates"].values():
        del gate["tests"], gate["files"], gate["failures"]
    assert page(parse_record(record), STATE).count("<tbody id=") == 30


def test_a_plan_integrates_nothing() -> None:
    raw = big_day(size=9)
    plan = page(parse_record(raw | {"options": {**raw.get("options", {}), "plan": True}}), Path())
    day = page(parse_record(raw), Path())
    assert ">would be merged</span>" in plan
    assert not re.search(r"integrated(</span>| \d)", plan)
    assert ">integrated</span>" in day
    assert "would be merged" not in day

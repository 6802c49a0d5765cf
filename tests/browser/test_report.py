"""The sample's report as people use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sessions.ledger.record_file import parse_record
from sessions.reporting.cooking import CookingRules
from sessions.reporting.cooking_files import write_cooking
from sessions.reporting.html import page as render
from sessions.reporting.index import index, read_days
from tests.browser.conftest import Open
from tests.reporting.big_day import big_day, write_days
from tests.reporting.hostile import HOSTILE, poisoned

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def report(state: Path) -> Path:
    return state / "latest" / "report.html"


def pages(report: Path) -> tuple[Path, ...]:
    """The day's report, and the pages of all days."""
    days = report.parents[1] / "days"
    return report, days / "index.html", days / "cooking.html"


def shown(page: Page) -> list[int]:
    """The numbers of the tickets that are shown, from the top."""
    return [
        int(row.removeprefix("t"))
        for row in page.eval_on_selector_all(
            ".tickets tbody", "rows => rows.filter(row => row.offsetHeight).map(row => row.id)"
        )
    ]


def test_the_answer_stands_at_the_top(report: Path, visit: Open) -> None:
    page = visit(report).page
    expect(page.get_by_role("heading", level=1)).to_have_text("Green")
    header = page.locator("header")
    expect(header).to_contain_text("10 tickets together pass every gate.")
    for ticket in (111, 114, 116, 117, 103, 110):
        expect(header.get_by_role("link", name=f"#{ticket} ")).to_be_visible()
    box = page.locator(".act").bounding_box()
    assert box
    assert box["y"] < 900  # seen without scrolling


def test_tickets_are_filtered_searched_and_sorted(report: Path, visit: Open) -> None:
    page = visit(report).page
    tally = page.get_by_role("status")
    assert len(shown(page)) == 27
    page.get_by_role("button", name="conflict 2").click()
    assert shown(page) == [103, 110]
    expect(page.get_by_role("button", name="conflict 2")).to_have_attribute("aria-pressed", "true")
    expect(tally).to_have_text("2 of 27 tickets")
    page.get_by_role("button", name="All 27").click()
    page.get_by_role("searchbox").fill("EGYPTIAN aloud")
    assert shown(page) == [116]
    page.get_by_role("searchbox").fill("currency.py")
    assert shown(page) == [110]
    page.get_by_role("searchbox").fill("")
    page.get_by_role("columnheader", name="Ticket").get_by_role("button").click()
    assert shown(page) == list(range(101, 128))
    page.get_by_role("columnheader", name="Ticket").get_by_role("button").click()
    assert shown(page) == list(range(127, 100, -1))
    expect(page.get_by_role("columnheader", name="Ticket")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("columnheader", name="Priority").get_by_role("button").click()
    assert shown(page)[0] == 101


def test_a_verdict_in_the_legend_filters_the_table(report: Path, visit: Open) -> None:
    page = visit(report).page
    page.locator(".legend").get_by_role("link", name="blocked").click()
    assert sorted(shown(page)) == [108, 109, 113, 126]


def test_a_story_is_opened_by_keyboard_and_its_line_copied(report: Path, visit: Open) -> None:
    page = visit(report).page
    story = page.locator("#s116")
    expect(story).to_be_hidden()
    opener = page.get_by_role("button", name="Story of #116")
    opener.focus()
    page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    expect(story).to_be_visible()
    expect(story).to_contain_text("fails, twice, with #115 and #116")
    expect(story).to_contain_text("no attribute 'spell'")
    story.get_by_role("button", name="Copy the line that reproduces it").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "nox -s reproduce -- 116"
    story.get_by_text("End of the log").click()
    expect(story.get_by_text("1 doctest failed")).to_be_visible()
    opener.press("Space")
    expect(story).to_be_hidden()


def test_a_link_opens_its_story_even_where_a_filter_hides_it(report: Path, visit: Open) -> None:
    page = visit(report).page
    page.get_by_role("button", name="integrated 10").click()
    page.locator("header").get_by_role("link", name="#103").click()
    expect(page.locator("#s103")).to_be_visible()
    expect(page.locator("#s103").get_by_role("heading", name="Merged so far")).to_be_in_viewport()
    page.locator("svg a[href='#t117']").first.click()
    expect(page.locator("#s117")).to_be_visible()


def test_the_sides_of_a_conflict_are_side_by_side(report: Path, visit: Open) -> None:
    page = visit(Path(f"{report}"), wide=1440).page
    page.get_by_role("button", name="Story of #103").click()
    ours, theirs = (page.locator(f"#s103 .{side}").bounding_box() for side in ("ours", "theirs"))
    assert ours
    assert theirs
    assert ours["y"] == theirs["y"]
    assert ours["x"] + ours["width"] <= theirs["x"]


def test_the_pictures_show_the_day(report: Path, visit: Open) -> None:
    page = visit(report).page
    line = page.locator("#line svg")
    assert line.locator("a").count() == 18
    assert line.locator("a.integrated").count() == 10
    assert line.locator("path.arc").count() == 2  # 103 conflicts with 102, 116 breaks a test with 115
    record = json.loads((report.parent / "run.json").read_text())
    rows = page.locator("#search-picture svg .row")
    assert rows.count() == len(record["probes"])
    assert page.locator("#search-picture svg .row.fails").count() > 5
    assert page.locator("#search-picture svg .row.passes").count() > 5
    assert page.locator("#time svg rect").count() == len(record["probes"])


def test_nothing_leaves_the_page_and_nothing_complains(report: Path, visit: Open) -> None:
    for path in pages(report):
        opened = visit(path)
        opened.page.mouse.wheel(0, 9000)
        for row in opened.page.locator(".open-story").all():
            row.click()
        assert opened.requests == [path.as_uri()]
        assert opened.complaints == []


def test_the_policy_forbids_what_a_text_could_start(report: Path, visit: Open) -> None:
    page = visit(report).page
    refused = page.evaluate(
        """async () => {
            const refused = [];
            addEventListener("securitypolicyviolation", event => refused.push(event.effectiveDirective));
            await fetch("https://evil.example/").catch(() => {});
            const add = (tag, more) => document.body.append(Object.assign(document.createElement(tag), more));
            add("img", {src: "https://evil.example/x.png"});
            add("script", {textContent: "window.hacked = 1"});
            add("iframe", {src: "https://evil.example/"});
            await new Promise(done => setTimeout(done, 200));
            return refused.sort();
        }"""
    )
    assert refused == ["connect-src", "frame-src", "img-src", "script-src-elem"]
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("wide", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_of_accessibility(report: Path, visit: Open, axe: str, scheme: str, wide: int) -> None:
    for path in pages(report):
        page = visit(path, wide=wide, color_scheme=scheme).page
        for number in (103, 116):
            if path == report:
                page.get_by_role("button", name=f"Story of #{number}").click()
        page.evaluate(axe)
        found: list[dict[str, Any]] = page.evaluate("axe.run().then(result => result.violations)")
        faults = [
            (fault["id"], fault["impact"], [node["html"][:120] for node in fault["nodes"][:3]])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]
        assert faults == []


def test_dark_is_dark_and_paper_is_white(report: Path, visit: Open) -> None:
    def colours(page: Page) -> tuple[int, int]:
        """The brightness of the page and of its text, 0 to 765."""
        told = page.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
        paper, ink = (sum(int(part) for part in each[4:-1].split(",")) for each in told)
        return paper, ink

    light, dark = (visit(report, color_scheme=scheme).page for scheme in ("light", "dark"))
    assert colours(light)[0] > 700
    assert colours(light)[1] < 150
    assert colours(dark)[0] < 150
    assert colours(dark)[1] > 600
    dark.emulate_media(media="print", color_scheme="dark")
    assert colours(dark) == (765, 0)
    marked = "getComputedStyle(document.querySelector('#s103 .ours b')).backgroundColor"
    assert min(int(part) for part in dark.evaluate(marked)[4:-1].split(",")) > 200
    expect(dark.locator("nav")).to_be_hidden()
    expect(dark.locator("#s116")).to_be_visible()  # a reader of paper opens nothing


@pytest.mark.parametrize("wide", [390, 800])
def test_a_small_screen_needs_no_sideways_scrolling(report: Path, visit: Open, wide: int) -> None:
    for path in pages(report):
        page = visit(path, wide=wide).page
        for row in page.locator(".open-story").all():
            row.click()
        assert page.evaluate("document.documentElement.scrollWidth") == wide


def test_without_scripts_everything_is_there_to_read(report: Path, visit: Open) -> None:
    page = visit(report, java_script_enabled=False).page
    expect(page.locator("#s116")).to_contain_text("fails, twice, with #115 and #116")
    expect(page.locator("#s116")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_hidden()
    expect(page.locator("button:visible")).to_have_count(4)  # the headings of the table, which then only name it


def test_500_tickets_stay_usable(visit: Open, tmp_path: Path) -> None:
    record = big_day(size=500)
    (tmp_path / "report.html").write_text(render(parse_record(record), tmp_path))
    opened = visit(tmp_path / "report.html")
    page = opened.page
    assert len(shown(page)) == 500
    number = record["tickets"][321]["number"]
    page.get_by_role("searchbox").fill(str(number))
    assert number in shown(page)
    assert len(shown(page)) < 5
    page.get_by_role("searchbox").fill("")
    culprits = sorted(each["number"] for each in record["tickets"] if each["verdict"] == "culprit")
    page.get_by_role("button", name=f"culprit {len(culprits)}").click()
    assert shown(page) == culprits
    assert page.evaluate("document.documentElement.scrollWidth") == 1440
    assert opened.complaints == []


def test_hostile_text_stays_text(visit: Open, tmp_path: Path) -> None:
    for number, text in enumerate([" ".join(HOSTILE[:6]), *HOSTILE[6:8], " ".join(HOSTILE[8:])]):
        record = poisoned(text)
        place = tmp_path / f"{number}.html"
        place.write_text(render(parse_record(record), tmp_path), encoding="utf-8")
        opened = visit(place)
        page = opened.page
        assert page.evaluate("window.hacked") is None
        assert page.locator("img, iframe, #loose, object, embed").count() == 0
        assert page.locator("script").count() == 1
        page.hover(".tickets tbody tr")
        assert opened.complaints == []
        assert opened.requests == [place.as_uri()]


def test_the_index_of_a_month_leads_to_its_days(visit: Open, tmp_path: Path) -> None:
    write_days(tmp_path, count=30, size=60)
    days = tmp_path / "days"
    (days / "index.html").write_text(index(read_days(days)))
    (days / "2026-11-23" / "report.html").write_text(render(parse_record(big_day(size=60)), tmp_path))
    opened = visit(days / "index.html")
    page = opened.page
    assert page.locator("#trend svg rect.integrated").count() == 30
    assert page.locator("#durations svg rect").count() == 30
    assert page.locator("#days tbody tr").count() == 30
    assert page.locator("#stays tbody tr").count() > 3
    assert page.locator("#flakes tbody tr").count() > 3
    page.locator("#days").get_by_role("link", name="2026-11-23").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Green")
    page.get_by_role("link", name="All days").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("All days")
    assert opened.complaints == []


@pytest.mark.parametrize(("wide", "high"), [(1280, 800), (390, 844)])
def test_the_first_screen_says_what_cooks(visit: Open, tmp_path: Path, wide: int, high: int) -> None:
    write_days(tmp_path, count=30, size=60)
    (page_file,) = [
        each for each in write_cooking(tmp_path, tmp_path / "out", CookingRules()) if each.suffix == ".html"
    ]
    opened = visit(page_file, wide=wide)
    for place, heading in enumerate(("Stuck", "Who waits for whom", "New since 2026-11-22")):
        part = opened.page.locator(".glance section").nth(place)
        expect(part.get_by_role("heading")).to_contain_text(heading)
        for row in part.locator("li:visible").all()[:2]:
            box = row.bounding_box()
            assert box
            assert box["y"] + box["height"] <= high  # seen without scrolling
    assert opened.page.evaluate("document.documentElement.scrollWidth") == wide
    assert opened.complaints == []

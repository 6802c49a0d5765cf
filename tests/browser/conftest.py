"""A real browser: Debian's Chromium, driven by playwright, without network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import refuse
from tests.packages import npm_file
from tests.stories.desk import shared_day


@dataclass
class Visit:
    """A page that was opened, and what it did that it should not have done."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


Open = Callable[..., Visit]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        refuse("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Chromium's own sandbox refuses root, which CI's containers are.
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    contexts = []

    def open_(path: Path, wide: int = 1440, **more: Any) -> Visit:
        context = browser.new_context(viewport={"width": wide, "height": 900}, offline=True, **more)
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        visited = Visit(context.new_page())
        visited.page.on("console", lambda said: visited.complaints.append(said.text))
        visited.page.on("pageerror", lambda error: visited.complaints.append(str(error)))
        visited.page.on("dialog", lambda dialog: visited.complaints.append(dialog.message))
        visited.page.on("request", lambda request: visited.requests.append(request.url))
        visited.page.goto(path.as_uri())
        return visited

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def state(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001  no day without a browser
    """The state folder of the sample's day."""
    return shared_day(tmp_path_factory).desk.state


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config) -> str:
    return npm_file(pytestconfig, "axe-core", "4.14.1", "axe.min.js").decode()

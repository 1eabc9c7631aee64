"""A real browser on the pages of a live server; the system's Chromium, no download."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.chromium import CHROMIUM
from tests.thinning import thin

ZH, EN = "zh-hans", "en"
LOCALE = {ZH: "zh-CN", EN: "en-GB"}
EACH_LANGUAGE = pytest.mark.parametrize("language", [ZH, EN])
# A quick run takes light Chinese and dark English: each language and each scheme once.
EACH_LOOK = pytest.mark.parametrize(
    ("language", "dark"), thin([(ZH, False), (ZH, True), (EN, False), (EN, True)], every=3)
)
PATIENCE = 15_000  # milliseconds; pages ask every 2 to 5 seconds


@pytest.fixture(scope="package")
def chromium(django_db_setup: None) -> Iterator[Browser]:
    """One browser for the tests of this folder; no longer, as its event loop is in the way of everybody else's ORM."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # nothing here awaits while it asks the database
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser found wrong, and requests to other hosts. A test that provokes some clears it."""
    return []


@pytest.fixture
def browse(chromium: Browser, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Open a page of the site at `url` in a browser of its own: its size, language, colours, with JavaScript or not."""
    contexts = []

    def complain(text: str) -> None:
        # A refused form is answered with a 4xx, which the console notes; that is no fault of the page.
        if "the server responded with a status of 4" not in text:
            complaints.append(text)

    def browse(
        url: str,
        path: str = "/",
        *,
        width: int = 390,
        height: int = 844,
        language: str = ZH,
        dark: bool = False,
        js: bool = True,
    ) -> Page:
        context = chromium.new_context(
            base_url=url,
            viewport={"width": width, "height": height},
            locale=LOCALE[language],
            timezone_id="America/New_York",  # not the operator's
            color_scheme="dark" if dark else "light",
            java_script_enabled=js,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: complain(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("request", lambda request: None if request.url.startswith(url) else complain(request.url))
        page.goto(path)
        return page

    yield browse
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def visit(transactional_db: None, live_server: Any, browse: Callable[..., Page]) -> Callable[..., Page]:
    """The same on the live server of the tests."""
    # In this order: the browsers are closed before the server goes and the database is emptied.
    return partial(browse, live_server.url)

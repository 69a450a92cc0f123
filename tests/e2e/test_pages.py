"""Pages in a browser: short, accessible, whole on a phone, closed to the network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

#: Names of the browser, and what is said where there is none.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MISSING = "no Chromium here: install the Debian package chromium"
#: Screens and words of the demo report before anything is opened.
MOST_SCREENS, MOST_WORDS = 6, 1_500
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
VISIBLE_WORDS = "document.body.innerText.split(/\\s+/).filter(w => w).length"
OPEN_ALL = "document.querySelectorAll('details').forEach(d => d.open = true)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium of the system."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(MISSING)
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, make_visits: Callable[..., str]) -> dict[str, Path]:
    """The page of each kind, made by the command."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "visits.csv").write_text(make_visits(300), encoding="utf-8")
    notes = "\n".join(f"patient {i} came with fever and left after {i % 9} days" for i in range(60))
    for name in ("real.txt.csv", "made.txt.csv"):
        (folder / name).write_text(f"note\n{notes}\n", encoding="utf-8")

    def locum(*argv: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "locum", *argv],
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1"},
            check=True,
            capture_output=True,
        )

    locum("demo", "--out", "demo")
    fast = ("--synthesizer", "independent", "--target", "readmitted", "--protected", "ward")
    locum("run", "visits.csv", *fast, "--out", "run")
    repair = ("--target", "readmitted", "--protected", "ward", "--out", "fair.csv", "--page", "fair.html")
    locum("fair", "run", *repair)
    locum("compare", "visits.csv", "--with", "bootstrap", "--seeds", "1", "--out", "compare")
    locum("text", "evaluate", "--real", "real.txt.csv", "--synthetic", "made.txt.csv", "--out", "text")
    places = ("demo/report.html", "run/report.html", "fair.html", "compare/compare.html", "text/text.html")
    return {place: folder / place for place in places}


def shown(browser: Any, path: Path, size: dict[str, int], scheme: str = "light") -> Any:
    # What is looked at from outside (axe) is a script, which the page itself forbids.
    page = browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True).new_page()
    page.asked, page.said = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.said.append(message.text))
    page.goto(path.as_uri())
    return page


def test_the_demo_report_is_short(browser: Any, pages: dict[str, Path]) -> None:
    page = shown(browser, pages["demo/report.html"], DESK)
    assert page.evaluate("document.documentElement.scrollHeight") <= MOST_SCREENS * DESK["height"]
    assert page.evaluate(VISIBLE_WORDS) <= MOST_WORDS


def test_a_link_opens_what_is_folded(browser: Any, pages: dict[str, Path]) -> None:
    page = shown(browser, pages["demo/report.html"], DESK)
    for link in page.query_selector_all("nav.contents a"):
        target = link.get_attribute("href")
        page.goto(pages["demo/report.html"].as_uri() + target)
        assert page.locator(target).is_visible(), target


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_stands_in_the_way_of_anybody(
    browser: Any, pages: dict[str, Path], scheme: str
) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright", reason="axe-core-python is not installed")
    for name, path in pages.items():
        page = shown(browser, path, DESK, scheme)
        page.evaluate(OPEN_ALL)
        found = axe.Axe().run(page)["violations"]
        serious = [(f["id"], f["nodes"][0]["html"]) for f in found if f["impact"] in ("serious", "critical")]
        assert not serious, f"{name}: {serious}"


def test_no_page_scrolls_sideways_on_a_phone(browser: Any, pages: dict[str, Path]) -> None:
    for name, path in pages.items():
        page = shown(browser, path, PHONE)
        page.evaluate(OPEN_ALL)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], name


def test_no_page_asks_for_anything(browser: Any, pages: dict[str, Path]) -> None:
    for path in pages.values():
        page = shown(browser, path, DESK)
        assert page.asked == [path.as_uri()] and not page.said

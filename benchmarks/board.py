"""How quick the report of a large board is in a browser: to open, to sort and to filter.

Its records are one of this project's over and over, under other names and with other figures; each row shows one of the
sample sheets that are kept beside those, as large as a row of a real board has.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from benchmark.record import Record, load_records
from benchmarks import ROOT
from benchmarks.section import Section, Table, at_most
from leaderboard.report import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHIPPED = ROOT / "leaderboard"
"""Where records and sheets are taken from."""

FAMILIES, ATTACKS, SEEDS = 25, ("fidelity", "accuracy"), (0, 1, 2)
"""Defenses of one name, which differ by strength, and what each is measured under."""

WIDTH, HEIGHT = 1280, 900
"""Of the browser's window, in pixels."""

OPEN, CHANGE = 3.0, 200.0
"""What is asked: seconds until a page is there with its plot, and milliseconds until what was clicked is seen."""

PATIENCE = 600_000
"""Milliseconds after which a page counts as one that does not open: long beyond what is asked, which is a figure."""

DRAWN = """async () => {
  const started = performance.now();
  %s
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - started;
}"""
"""Milliseconds from what somebody does to the end of the frame that shows it."""

SORT = 'document.querySelector("th[data-column=accuracy_fd] button").click();'

FILTER = """
  const field = document.querySelector("input[type=search]");
  field.value = "made0";
  field.dispatchEvent(new Event("input", { bubbles: true }));
"""


@dataclass(frozen=True)
class Times:
    """What one visit took."""

    opened: float
    """Seconds until the page and its first plot were drawn."""
    sorted: float
    """Milliseconds."""
    filtered: float
    """Milliseconds."""


def compare(rounds: int, smoke: bool) -> Section:
    """See the module; the medians over visits, each in a window of its own."""
    rows = 20 if smoke else 500
    title = "A large board in a browser"
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return Section(title, "Not measured: playwright is missing, `pip install -e '.[browser]'`.", [])
    chromium = shutil.which("chromium")
    if chromium is None:
        return Section(title, "Not measured: there is no `chromium` on the PATH, `apt-get install chromium`.", [])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        started = time.perf_counter()
        (page,) = write_report(records(rows), sheets(), Path(folder) / "board.html")
        written = time.perf_counter() - started
        browser = playwright.chromium.launch(executable_path=chromium)
        visits = [visit(browser, page) for _ in range(rounds)]
        size, version = page.stat().st_size / 2**20, browser.version
        browser.close()
    opened = median(each.opened for each in visits)
    resorted, filtered = median(each.sorted for each in visits), median(each.filtered for each in visits)
    table = Table(
        ("rows", "page, MiB", "to write, s", "to open, s", "to sort, ms", "to filter, ms"),
        [(f"{rows}", f"{size:.1f}", f"{written:.1f}", f"{opened:.2f}", f"{resorted:.0f}", f"{filtered:.0f}")],
    )
    bars = [
        at_most(f"{rows} rows, seconds until the page and its plot are drawn", opened, OPEN),
        at_most(f"{rows} rows, until they are sorted anew", resorted, CHANGE, " ms"),
        at_most(f"{rows} rows, until a filter has left some of them", filtered, CHANGE, " ms"),
    ]
    about = (
        f"A board of {rows} rows of {len(SEEDS)} seeds each, with a sample sheet a row, in Chromium {version} without "
        f"a screen, {WIDTH} x {HEIGHT} pixels. Sorting and filtering: from what somebody does to the end of the frame "
        "that shows what came of it."
    )
    return Section(title, about, [table], bars)


def visit(browser: Browser, path: Path) -> Times:
    """Open a page, and sort and filter it."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.set_default_timeout(PATIENCE)
    started = time.perf_counter()
    page.goto(path.as_uri())
    page.locator("[data-plot=trade_off] svg").wait_for()
    opened = time.perf_counter() - started
    times = Times(opened, page.evaluate(DRAWN % SORT), page.evaluate(DRAWN % FILTER))
    if not page.locator("[aria-sort]").count() or " of " not in page.locator("#count").inner_text():
        raise RuntimeError(f"the page of {path} is not sorted, or not filtered")
    page.close()
    return times


def records(rows: int) -> Iterator[Record]:
    """Records of a board of so many rows: the two controls, and defenses that cost the more the better they protect."""
    pattern, *_ = load_records(SHIPPED / "records", lambda error: None)
    names = ["none", "garbage", *(f"made{n % FAMILIES:02},level={n // FAMILIES}" for n in range(rows // 2 - 2))]
    for number, (defense, attack, seed) in enumerate(product(names, ATTACKS, SEEDS)):
        noise = np.random.default_rng(number).normal(1, 0.03)
        loss = {"none": 0.0, "garbage": 1.0}.get(defense, names.index(defense) / len(names))
        level = defense.partition("=")[2]
        yield replace(
            pattern,
            id=f"{number:032x}",
            defense=defense,
            defense_parameters={"level": int(level)} if level else {},
            strength=float(level) if level else None,
            strength_name="level" if level else "",
            attack=attack,
            seed=seed,
            figures={**pattern.figures, "accuracy_fd": 300 * 4**loss * noise, "utility_fd": 115 * 30**loss * noise},
        )


def sheets() -> Callable[[str], Path]:
    """For the id of a record, a sheet that is kept of another."""
    kept = sorted((SHIPPED / "sheets").glob("*.webp"))
    return lambda record: kept[int(record, 16) % len(kept)]

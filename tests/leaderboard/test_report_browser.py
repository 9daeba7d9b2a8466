"""The page in a real Chromium: it sorts, filters, remembers, opens samples, and asks nothing of the network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made_records import DEFENSES, HOSTILE, big_board, board, draw_sheets
from PIL import Image

from leaderboard.entries import Entry
from leaderboard.report import write_report

pytest.importorskip("playwright", reason="needs playwright: pip install 'gan-extraction-bench[browser]'")
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("needs Debian's chromium on the PATH: apt-get install chromium", allow_module_level=True)

from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Browser, Page, Request, sync_playwright  # noqa: E402

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
RECORDS = board([*DEFENSES[:8], (HOSTILE, None, 0.3)], budgets=[1_000, 50_000])


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    drawn = [each for each in RECORDS if each.seed == 0 and each.defense == "jpeg"]
    draw_sheets(drawn, folder)
    entries = [Entry("squeeze", "fashion-mnist", "jpeg,quality=10", "0" * 64, "broken", HOSTILE)]
    (path,) = write_report(RECORDS, lambda record: folder / f"{record}.png", folder / "report.html", entries=entries)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page; at the end of the test it must not have complained, nor asked for anything but itself."""
    pages: list[Page] = []
    complaints: list[str] = []
    asked: set[str] = set()

    def request(sent: Request) -> None:
        if not sent.url.startswith("data:") and sent.url.partition("#")[0] not in asked:
            complaints.append(f"request: {sent.url}")

    def open_page(path: Path, fragment: str = "", **options: object) -> Page:
        page = browser.new_page(**{"viewport": DESK, **options})
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        page.on("request", request)
        asked.add(path.as_uri())
        page.goto(path.as_uri() + fragment)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []


def shown(page: Page, column: int) -> list[str]:
    """The values of a column in the rows that are to be seen, from the top."""
    script = "n => [...document.querySelectorAll('#table tbody tr:not([hidden])')].map(r => r.cells[n].dataset.value)"
    return page.evaluate(script, column)


def names(page: Page) -> list[str]:
    """The defenses of the same rows."""
    return page.locator("#table tbody tr:not([hidden]) button").all_inner_texts()


def heading(page: Page, name: str) -> int:
    known = page.locator("#table th[data-column]").evaluate_all("all => all.map(each => each.dataset.column)")
    return known.index(name)


def test_headings_sort(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report)
    column = heading(page, "accuracy_fd")
    button = page.locator("th[data-column=accuracy_fd] button")
    button.click()
    values = [float(value) for value in shown(page, column)]
    assert values == sorted(values, reverse=True)
    assert page.locator("[aria-sort]").evaluate_all("all => all.map(each => each.ariaSort)") == ["descending"]
    button.click()
    assert [float(value) for value in shown(page, column)] == sorted(values)
    page.locator("th[data-column=defense] button").click()
    first_seen = list(dict.fromkeys(names(page)))
    assert [name for name in first_seen if "noise" in name] == ["noise,sigma=0.05", "noise", "noise,sigma=0.2"]
    assert first_seen[0].startswith("<script>")


def test_the_status_of_what_was_submitted_is_seen_filtered_and_told(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report)
    page.get_by_role("combobox", name="Status").select_option("broken")
    assert set(names(page)) == {"jpeg,quality=10"}
    assert set(page.locator("#table tbody tr:not([hidden]) .badge.broken").all_inner_texts()) == {"broken"}
    assert "jpeg,quality=10" in page.locator("[data-plot=trade_off]").get_attribute("aria-label")
    assert "jpeg,quality=30" not in page.locator("[data-plot=trade_off]").get_attribute("aria-label")
    assert set(names(opened(report, "#" + page.url.partition("#")[2]))) == {"jpeg,quality=10"}
    page.locator("#table tbody tr:not([hidden]) button.more").first.click()
    assert f"Submitted as squeeze: broken by record {HOSTILE}." in page.locator("#details").inner_text()


def test_filters_part_the_rows_and_the_link_keeps_them(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report)
    every = len(shown(page, 0))
    assert page.locator("#count").inner_text() == f"{every} rows"
    page.get_by_role("combobox", name="Defense").select_option("jpeg")
    page.get_by_role("combobox", name="Attack").select_option("fidelity")
    page.get_by_role("combobox", name="Queries").select_option("1000")
    page.locator("th[data-column=utility_fd] button").click()
    found = names(page)
    assert set(found) == {"jpeg", "jpeg,quality=10", "jpeg,quality=30"}
    assert page.locator("#count").inner_text() == f"3 of {every} rows"
    again = opened(report, "#" + page.url.partition("#")[2])
    assert names(again) == found
    assert again.get_by_role("combobox", name="Defense").input_value() == "jpeg"
    assert again.locator("th[data-column=utility_fd]").get_attribute("aria-sort") == "descending"
    assert again.locator(".card:not([hidden]) h3").all_inner_texts() == ["jpeg"]
    again.get_by_role("searchbox").fill("quality=10 NOTHING")
    assert shown(again, 0) == []
    assert again.locator("#nothing").is_visible()
    again.get_by_role("button", name="Clear").click()
    assert len(shown(again, 0)) == every
    again.get_by_role("checkbox").check()
    assert len(shown(again, 0)) == every / 2


def test_a_name_from_a_stranger_is_text_everywhere(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report, "#text=script")
    button = page.locator("#table tbody tr:not([hidden]) button").first
    assert button.inner_text() == HOSTILE
    button.click()
    assert page.locator("#details h2").inner_text().startswith(HOSTILE)


def test_samples_open_by_click_and_by_key(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report, "#family=jpeg")
    row = page.get_by_role("button", name="jpeg", exact=True).first
    row.click()
    dialog = page.get_by_role("dialog")
    assert dialog.locator(".sheet img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 800
    for text in (
        *("Threat model", "The attacker knew", "quality = ", "Peak, MB", "1,400", "torch 2.14.1", "gain_over_attacker"),
        *("of the defense: no attacker knows the defense (seeds 0, 1, 2)", "cpu: of the tests"),
        RECORDS[0].features_hash,
        "2026-11-20",
    ):
        assert text in dialog.inner_text()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert row.evaluate("button => button === document.activeElement")
    page.keyboard.press("Enter")
    assert dialog.is_visible()
    assert dialog.evaluate("dialog => dialog.contains(document.activeElement)")


def test_everything_is_reached_with_the_tab_key(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report)
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("(document.activeElement.name || document.activeElement.textContent).trim()"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
    assert reached[:2] == ["Skip to the table", "Dark theme"]
    assert reached[2:8] == ["How to read this", "family", "budget", "attack", "knowledge", "status"]
    assert any("Gain" in each for each in reached)
    page.locator("th[data-column=security_gain] button").focus()
    page.keyboard.press("Space")
    assert page.locator("th[data-column=security_gain]").get_attribute("aria-sort") == "descending"


def test_plots_answer_to_the_pointer_and_to_filters(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report)
    plot = page.locator("[data-plot=trade_off]")
    page.wait_for_selector("[data-plot=trade_off] svg")
    words = plot.inner_text()
    for word in ("none", "garbage", "noise floor", "better for users", "harder to steal", "root scale", HOSTILE[:9]):
        assert word in words
    points = plot.locator(".mark-symbol path")
    before = points.count()
    points.first.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "strongest attacker" in page.locator("#vg-tooltip-element").inner_text()
    points.first.click(force=True)
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Defense").select_option("noise")
    page.wait_for_function(f"document.querySelectorAll('[data-plot=trade_off] .mark-symbol path').length < {before}")
    label = plot.get_attribute("aria-label") or ""
    assert "noise,sigma=0.2: gain" in label
    assert "jpeg" not in label


def test_no_filter_draws_another_front(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report)
    stair = page.locator("[data-plot=trade_off] .mark-line path").first
    stair.wait_for()
    # Stairs are drawn first; the defenses' lines come after.
    whole, listed = stair.get_attribute("d"), page.locator("#front li").count()
    for fragment in ("#family=jpeg", "#text=jpeg", "#status=broken"):
        filtered = opened(report, fragment)
        filtered.wait_for_selector("[data-plot=trade_off] svg")
        assert filtered.locator("[data-plot=trade_off] .mark-line path").first.get_attribute("d") == whole
        names = filtered.locator("#front button").all_inner_texts()
        assert len(names) < listed
        assert {name.partition(",")[0] for name in names} <= {"none", "garbage", "jpeg"}
        assert filtered.locator("#scope").is_hidden()


def test_filters_of_attackers_say_that_plots_do_not_heed_them(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report)
    known = page.get_by_role("combobox", name="Threat model")
    known.select_option("answers")
    assert "Plots judge each defense by the strongest" in page.locator("#scope").inner_text()
    assert set(page.locator("#table tbody tr:not([hidden]) .attack").all_inner_texts()) == {"fidelity"}
    again = opened(report, "#" + page.url.partition("#")[2])
    assert names(again) == names(page)


def test_a_link_that_chooses_what_is_not_there_shows_all(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report, "#budget=abc&family=nobody&order=sideways&sort=accuracy_fd")
    assert "50,000 queries" in page.locator("#plot-title").inner_text()
    assert len(names(page)) == page.locator("#table tbody tr").count()
    assert page.locator("th[data-column=accuracy_fd]").get_attribute("aria-sort") == "ascending"


def test_the_way_to_the_table_keeps_the_filters(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report, "#family=noise")
    found = names(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "table-scroll"
    assert page.url.endswith("#family=noise")
    assert names(page) == found


def test_what_has_no_curve_says_so(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report, "#family=none")
    assert page.locator("#no-curve").is_visible()
    page.get_by_role("combobox", name="Defense").select_option("jpeg")
    assert page.locator("#no-curve").is_hidden()


def test_without_scripts_nothing_dead_is_shown(report: Path, browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=False, viewport=DESK)
    page.goto(report.as_uri())
    assert "need JavaScript" in page.locator("main > noscript").inner_text()
    assert not page.locator("#filters").is_visible()
    assert page.locator("#table tbody tr").first.is_visible()
    page.close()


def test_the_plot_comes_first_and_the_table_fits(report: Path, opened: Callable[..., Page]) -> None:
    for viewport, most in ((DESK, 400), (PHONE, 450)):
        page = opened(report, viewport=viewport)
        assert page.locator("[data-plot=trade_off]").bounding_box()["y"] < most
        overflow = "document.querySelector('#table').offsetWidth - document.querySelector('#table-scroll').clientWidth"
        assert page.evaluate(overflow) <= 0
    for column in ("defense", "security_gain", "utility_cost"):
        assert page.locator(f"th[data-column={column}]").is_visible()
    assert not page.locator("th[data-column=accuracy_fd]").is_visible()


def test_names_fit_a_phone(tmp_path: Path, opened: Callable[..., Page]) -> None:
    long = "examples/defenses/posterize.py:Posterize,levels=4"
    records = board([*DEFENSES[:6], (long, None, 0.33)], budgets=[50_000])
    (path,) = write_report(records, lambda record: tmp_path / record, tmp_path / "report.html")
    page = opened(path, viewport=PHONE)
    plot = page.locator("[data-plot=trade_off]")
    plot.locator("svg").wait_for()
    axis = plot.locator(".role-axis-grid").last.bounding_box()
    assert axis is not None
    assert axis["width"] > 240


def test_cards_draw_curves_when_they_come_into_sight(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report)
    card = page.locator(".card[data-family=jpeg]")
    card.scroll_into_view_if_needed()
    card.locator("svg").nth(1).wait_for()
    strength, budget = (card.locator(".plot").nth(index).inner_text() for index in (0, 1))
    assert {"10", "30", "50", "stolen images", "answers", "none", "garbage", "noise floor"} <= set(
        strength.splitlines()
    )
    assert {"1k", "50k", "none", "garbage", "10", "30", "50"} <= set(budget.splitlines())
    assert "quality" in card.inner_text()
    assert "Covers" in card.inner_text()


def test_the_page_follows_the_system_and_its_own_button(report: Path, opened: Callable[..., Page]) -> None:
    page = opened(report, color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 31)"
    page.get_by_role("button", name="Light theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Dark theme").wait_for()


@pytest.mark.parametrize(("viewport", "scheme"), [(DESK, "light"), (DESK, "dark"), (PHONE, "light")])
def test_nothing_hinders_a_screen_reader(
    report: Path, opened: Callable[..., Page], viewport: dict[str, int], scheme: str
) -> None:
    page = opened(report, "#family=jpeg", viewport=viewport, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.locator("[data-plot=trade_off]").scroll_into_view_if_needed()
    page.wait_for_selector("[data-plot=trade_off] svg")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.locator("#table tr:not([hidden]) button.more").first.click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_the_picture_of_a_board_is_that_of_its_page(tmp_path: Path) -> None:
    for each in RECORDS:
        each.save(tmp_path / "records")
    out = tmp_path / "board.png"
    command = [sys.executable, "-m", "leaderboard.report", "picture", str(out), "--board", str(tmp_path)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    assert out.stat().st_size < 300_000
    with Image.open(out) as image:
        assert image.width == 2400
        assert len(image.getcolors() or []) > 50


def test_the_page_is_small(report: Path) -> None:
    assert report.stat().st_size < 3e6


def laid_out(page: Page, column: int) -> list[float]:
    """The values of a column in the rows that take room on the page."""
    script = """n => [...document.querySelectorAll("#table tbody tr")]
      .filter(row => row.getClientRects().length).map(row => Number(row.cells[n].dataset.value))"""
    return page.evaluate(script, column)


def layouts(page: Page, change: str) -> int:
    """How often the browser lays out anew for a change of the page."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def count() -> int:
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        return int(metrics["LayoutCount"])

    before = count()
    page.evaluate(f"() => {{ {change}; document.body.getBoundingClientRect(); }}")
    return count() - before


SORTING = 'document.querySelector("th[data-column=accuracy_fd] button").click()'
FILTERING = """
  const field = document.querySelector("input[type=search]");
  field.value = "made1";
  field.dispatchEvent(new Event("input", { bubbles: true }))
"""


def test_of_500_rows_a_hundred_are_laid_out_and_the_others_on_demand(
    tmp_path: Path, opened: Callable[..., Page]
) -> None:
    """What keeps a great board quick; how quick it is hangs on the machine, and on who else is at work there."""
    (path,) = write_report(big_board(500), lambda record: tmp_path / record, tmp_path / "report.html")
    page = opened(path)
    column = heading(page, "accuracy_fd")
    every = page.locator("#table tbody tr").evaluate_all("(all, n) => all.map(r => +r.cells[n].dataset.value)", column)
    assert page.locator("#count").inner_text() == "500 rows"
    assert len(laid_out(page, column)) == 100
    # Once, and not anew for each row that is moved or hidden; a frame may come in between.
    assert layouts(page, SORTING) < 5
    assert laid_out(page, column) == sorted(every, reverse=True)[:100]
    assert layouts(page, FILTERING) < 5
    assert page.locator("#count").inner_text() == "200 of 500 rows"
    assert len(laid_out(page, column)) == 100
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Show all 500 rows").click()
    assert sorted(laid_out(page, column)) == sorted(every)
    assert "all=1" in page.url

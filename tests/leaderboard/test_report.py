"""The page as text, its parts and the pictures for papers; what a browser makes of it is in test_report_browser.py."""

from __future__ import annotations

import base64
import io
import json
import math
import re
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from made_records import DEFENSES, HOSTILE, board, draw_sheets
from PIL import Image

from benchmark import cli
from benchmark.errors import UsageError
from leaderboard.entries import Entry
from leaderboard.intervals import Interval
from leaderboard.numbers import interval_text, number
from leaderboard.report import write_report
from leaderboard.report.board import boards
from leaderboard.report.families import cards
from leaderboard.report.filenames import file_names
from leaderboard.report.labels import HEIGHT, LINE
from leaderboard.report.paper import latex_table, markdown_table, write_paper
from leaderboard.report.points import extent, points, ticks
from leaderboard.report.sheets import data_uri
from leaderboard.report.theme import CATEGORIES, INKS

SMALL = board(DEFENSES[:5], budgets=[1_000, 50_000])


def nowhere(record: str) -> Path:
    return Path("nowhere") / record


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (0.0, "0"), (115.27, "115.3"), (1687.4, "1,687"), (0.85213, "0.8521"), (-7, "-7")]
)
def test_numbers_are_read_to_four_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_one_seed_has_no_interval() -> None:
    assert interval_text(Interval(5.0, math.nan, math.nan, 1)) == "5"
    assert interval_text(Interval(5.0, 4.0, 6.0, 3)) == "5 ± 1"
    assert interval_text(Interval(0.3, 0.3 - 1e-17, 0.3 + 1e-16, 3)) == "0.3 ± 0"


def test_boards_keep_settings_apart() -> None:
    other = [replace(each, samples=500, id=each.id[::-1]) for each in SMALL]
    found = boards([*SMALL, *other])
    assert len(found) == 2
    assert sorted(each.any_record.samples for each in found) == [500, 10_000]
    assert all(len({record.samples for record in each.records.values()}) == 1 for each in found)


def test_the_noise_floor_is_the_one_that_records_tell() -> None:
    (found,) = boards(SMALL)
    assert found.floor == 19.7
    (other,) = boards([replace(each, floors={}) for each in SMALL])
    assert other.floor is None


def entered(defense: str, status: str, evidence: str = "", **changes: str) -> Entry:
    return Entry(
        **{"name": status, "track": "fashion-mnist", "submission": "0" * 64} | changes,
        defense=defense,
        status=status,
        evidence=evidence,
    )


def test_the_page_says_what_is_known_of_what_was_submitted(tmp_path: Path) -> None:
    broke = next(each for each in SMALL if (each.defense, each.attack, each.seed) == ("jpeg", "accuracy", 1))
    entries = [
        entered("jpeg", "broken", broke.id),
        entered("jpeg,quality=10", "reproduced"),
        entered("jpeg,quality=30", "claimed", track="another"),
        entered("garbage", "broken", HOSTILE, name="elsewhere"),
    ]
    (path,) = write_report(SMALL, nowhere, tmp_path / "a.html", entries=entries)
    html = path.read_text()
    assert html.count('data-status="broken"') == 2 * 4
    assert html.count('data-status="reproduced"') == 4
    assert 'data-status="claimed"' not in html
    (filter_,) = re.findall('<select name="status">.*?</select>', html, re.DOTALL)
    assert re.findall("<option>(.*?)</option>", filter_) == ["reproduced", "broken"]
    said = f"by accuracy, {broke.budget:,} queries, seed 1, record <code>{broke.id}</code>"
    assert html.count(f"Submitted as <code>broken</code>: <b>broken</b> {said}.") == 4
    assert HOSTILE not in html
    assert "record <code>&lt;script&gt;" in html


def test_a_board_without_entries_has_no_filter_by_status(tmp_path: Path) -> None:
    (path,) = write_report(SMALL, nowhere, tmp_path / "a.html")
    assert 'name="status"' not in path.read_text()


def test_points_bear_both_controls_and_what_is_on_the_front() -> None:
    (found,) = boards(SMALL)
    shown = [point for point in points(found) if point["budget"] == 50_000]
    none = next(point for point in shown if point["defense"] == "none")
    assert {point["none_accuracy"] for point in shown} == {none["accuracy"]}
    assert {point["defense"] for point in shown if point["control"]} == {"none", "garbage"}
    # By definition: nobody costs users less and a thief more than one on the front.
    for point in shown:
        dominated = any(
            other["utility"] < point["utility"] and other["accuracy"] > point["accuracy"] for other in shown
        )
        assert point["front"] != dominated


def test_names_keep_off_each_other() -> None:
    crowd = [(f"crowd{index}", None, 0.3) for index in range(12)]
    (found,) = boards(board([*DEFENSES[:2], *crowd], budgets=[1_000], seeds=[0]))
    high = extent(found)
    heights = [math.sqrt(point["label_y"] / high) * HEIGHT for point in points(found) if point["label_side"]]
    assert len(heights) == 14
    gaps = sorted(heights)
    crowded = [b - a for a, b in pairwise(gaps)]
    assert min(crowded[:-1]) > LINE - 1e-6


@pytest.mark.parametrize("high", [0.03, 1.0, 4_800.0, 1e6])
def test_axes_are_labelled_from_nothing_with_labels_apart(high: float) -> None:
    found = ticks(high)
    roots = [math.sqrt(value / high) for value in found]
    assert found[0] == 0
    assert found[-1] <= high
    assert min(b - a for a, b in pairwise(roots)) > 0.07
    assert len(found) >= 4


def test_families_with_one_strength_and_one_budget_have_no_curve() -> None:
    (found,) = boards(board(DEFENSES[:6], budgets=[50_000], seeds=[0]))
    assert {card.family: (card.strengths, card.budgets) for card in cards(found)} == {"jpeg": (True, False)}


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour: str) -> float:
        channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("theme", "page"), [("light", "#ffffff"), ("dark", "#14181f")])
def test_what_is_written_in_a_colour_can_be_read(theme: str, page: str) -> None:
    colours = [*CATEGORIES[theme].split(), *(INKS[theme][name] for name in ("ink", "soft", "users", "thief"))]
    assert min(contrast(colour, page) for colour in colours) >= 4.5


def test_sheets_are_small_and_whole(tmp_path: Path) -> None:
    draw_sheets(SMALL[:1], tmp_path)
    uri = data_uri(tmp_path / f"{SMALL[0].id}.png")
    assert uri is not None
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as image:
        assert (image.format, image.width) == ("WEBP", 800)
    assert data_uri(tmp_path / "none.png") is None
    (tmp_path / "bad.png").write_text("no image")
    assert data_uri(tmp_path / "bad.png") is None


def test_file_names_stay_in_their_folder_and_apart() -> None:
    found = file_names(["../../etc/passwd", "jpeg", "JPEG", "", "…", "a/b:C", "jpeg 2"])
    assert len(set(found.values())) == 7
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in found.values())


def test_a_page_per_board_and_none_of_quick_records(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no record of a whole run"):
        write_report([replace(each, quick=True) for each in SMALL], nowhere, tmp_path / "a.html")
    assert not list(tmp_path.iterdir())
    few = board(DEFENSES[:2], budgets=[1_000], seeds=[0])
    other = [replace(each, track="../x", id=each.id[::-1]) for each in few]
    pages = write_report([*few, *other], nowhere, tmp_path / "a.html")
    assert len(pages) == 2
    assert sorted(tmp_path.iterdir()) == sorted(pages)


def test_texts_of_strangers_are_text(tmp_path: Path) -> None:
    few = board([*DEFENSES[:2], (HOSTILE, None, 0.3)], budgets=[1_000], seeds=[0])
    bad = "</script><img src=x onerror=alert(1)>"
    records = [replace(each, flags=(bad,), device=bad, knowledge=bad, track=bad) for each in few]
    (path,) = write_report(records, nowhere, tmp_path / "a.html")
    text = path.read_text(encoding="utf-8")
    # The page's own scripts and nothing else.
    assert len(re.findall(r"<script", text)) == len(re.findall(r"</script>", text)) == 3
    assert "onerror" in text
    assert "<img src=x" not in text
    data = re.search(r'<script type="application/json" id="board">(.*?)</script>', text, re.DOTALL)
    assert data
    assert HOSTILE in {point["defense"] for point in json.loads(data[1])["points"]}
    # The same records give the same bytes.
    write_report(reversed(records), nowhere, tmp_path / "b.html")
    assert (tmp_path / "b.html").read_bytes() == path.read_bytes()


def test_the_command_writes_the_page_of_a_results_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = board(DEFENSES[:2], budgets=[1_000], seeds=[0])
    for each in few:
        each.save(tmp_path / "records")
    (tmp_path / "records" / "bad.json").write_text("{")
    draw_sheets(few[:1], tmp_path / "sheets")
    out = tmp_path / "page.html"
    monkeypatch.setattr(sys, "argv", ["b", "report", "--out", str(out), "--results", str(tmp_path)])
    with pytest.raises(SystemExit) as status:
        cli.main()
    printed = capsys.readouterr()
    assert (status.value.code, printed.out) == (0, f"report: {out}\n")
    assert "bad.json" in printed.err
    assert out.read_text(encoding="utf-8").count("data:image/webp") == 1


def test_papers_get_every_plot_and_the_table(tmp_path: Path) -> None:
    (found,) = boards(SMALL)
    written = {path.name for path in write_paper(found, tmp_path)}
    plots = {"trade-off-1000", "trade-off-50000", "budget-jpeg", "strength-jpeg-1000", "strength-jpeg-50000"}
    assert written == {f"{plot}.{form}" for plot in plots for form in ("png", "svg")} | {"table.tex", "table.md"}
    for plot in plots:
        with Image.open(tmp_path / f"{plot}.png") as image:
            assert len(image.convert("L").getcolors() or []) > 10
    words = "".join(ElementTree.parse(tmp_path / "trade-off-50000.svg").getroot().itertext())
    assert all(
        word in words for word in ("garbage", "none", "noise floor", "jpeg", "harder to steal", "better for users")
    )


def test_tables_hold_every_row_and_no_markup_of_strangers() -> None:
    hostile = "a|b_c <b>&"
    (found,) = boards(board([*DEFENSES[:2], (hostile, None, 0.3)], budgets=[1_000]))
    lines = markdown_table(found).splitlines()
    assert len(lines) == len(found.rows) + 2
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert not any("<b>" in line for line in lines)
    latex = latex_table(found)
    assert r"a|b\_c <b>\&" in latex
    assert latex.count(r"\\") == len(found.rows) + 1
    assert r"$\pm$" in latex

"""The page as text, its parts and the pictures for papers; what a browser makes of it is in test_report_browser.py."""

from __future__ import annotations

import base64
import io
import json
import math
import re
import sys
import zlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from few_records import seeds
from made_records import DEFENSES, HOSTILE, board, draw_sheets
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from benchmark import cli
from benchmark.errors import UsageError
from benchmark.record import Record
from leaderboard.adaptive import protections
from leaderboard.entries import Entry
from leaderboard.filenames import file_names
from leaderboard.intervals import Interval
from leaderboard.numbers import interval_text, number
from leaderboard.report import write_report
from leaderboard.report.__main__ import keep_sheets
from leaderboard.report.axes import Axis, costs, distances, gains
from leaderboard.report.board import boards
from leaderboard.report.families import cards
from leaderboard.report.labels import HEIGHT, LINE, SMALL_HEIGHT, SMALL_LINE
from leaderboard.report.paper import latex_table, markdown_table, write_paper
from leaderboard.report.points import lines, points
from leaderboard.report.rows import shown_rows
from leaderboard.report.sheets import data_uri, small_sheet
from leaderboard.report.theme import CATEGORIES, INKS
from leaderboard.reproduction import reproduced
from leaderboard.table import table

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
    assert interval_text(Interval(5.0, 4.0, 6.0, 3)) == "5.0 ± 1.0"
    assert interval_text(Interval(0.3, 0.3 - 1e-17, 0.3 + 1e-16, 3)) == "0.3 ± 0"


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (0.006267, 0.0019, "0.0063 ± 0.0019"),
        (525.1, 58.3, "525 ± 58"),
        (1642.4, 130.2, "1,642 ± 130"),
        (253.41, 5.3, "253.4 ± 5.3"),
        (-0.0004, 0.02, "0.000 ± 0.020"),
        (6.316e-6, 2.7e-5, "0.000006 ± 0.000027"),
    ],
)
def test_a_mean_is_no_finer_than_its_interval(value: float, half: float, text: str) -> None:
    assert interval_text(Interval(value, value - half, value + half, 3)) == text


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
    found = reproduced("0" * 64, SMALL[:1], 1) if status == "reproduced" else None
    return Entry(
        **{"name": status, "track": "fashion-mnist", "submission": "0" * 64} | changes,
        defense=defense,
        status=status,
        evidence=evidence,
        reproduction=found,
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


def test_the_page_says_what_somebody_found_who_ran_it_again(tmp_path: Path) -> None:
    claim = next(each for each in SMALL if each.defense == "jpeg")
    found = replace(claim, figures=claim.figures | {"accuracy_fd": 123.4}, device="another machine")
    entry = replace(entered("jpeg", "reproduced"), reproduction=reproduced("0" * 64, [found], 5))
    (path,) = write_report(SMALL, nowhere, tmp_path / "a.html", entries=[entry])
    html = path.read_text()
    said = "on another machine: 1 of the 5 cells of the submission, and the figures agreed."
    assert html.count(said) == sum(row.defense == "jpeg" for row in boards(SMALL)[0].rows)
    beside = f"accuracy_fd {number(claim.figures['accuracy_fd'])} and 123.4"
    assert html.count(f"Seed {claim.seed}, claimed and found: {beside}") == 1


def test_a_board_without_entries_has_no_filter_by_status(tmp_path: Path) -> None:
    (path,) = write_report(SMALL, nowhere, tmp_path / "a.html")
    assert 'name="status"' not in path.read_text()


def test_points_bear_both_controls_and_what_is_on_the_front() -> None:
    (found,) = boards(SMALL)
    shown = [point for point in points(found) if point["budget"] == 50_000]
    none = next(point for point in shown if point["defense"] == "none")
    assert {point["none_accuracy"] for point in shown} == {round(none["accuracy"], 6)}
    assert {point["defense"] for point in shown if point["control"]} == {"none", "garbage"}
    # By definition: nobody costs users less and a thief more than one on the front.
    for point in shown:
        dominated = any(other["cost"] < point["cost"] and other["gain"] > point["gain"] for other in shown)
        assert point["front"] != dominated


def test_names_keep_off_each_other() -> None:
    crowd = [(f"crowd{index}", None, 0.3) for index in range(12)]
    (found,) = boards(board([*DEFENSES[:2], *crowd], budgets=[1_000], seeds=[0]))
    up = gains(found, 1_000)
    heights = [up.share(point["label_y"]) * HEIGHT for point in points(found) if point["label_side"]]
    assert len(heights) == 14
    gaps = sorted(heights)
    crowded = [b - a for a, b in pairwise(gaps)]
    assert min(crowded[:-1]) > LINE - 1e-6


@pytest.mark.parametrize(("low", "high"), [(0, 0.03), (0, 1), (-0.4, 1), (0, 4_800), (-50, 4_800), (-900, 1e6)])
def test_axes_are_labelled_from_nothing_with_labels_apart(low: float, high: float) -> None:
    axis = Axis(low, high)
    shares = [axis.share(value) for value in axis.ticks]
    assert 0.0 in axis.ticks
    assert low <= axis.ticks[0] <= axis.ticks[-1] <= high
    assert min(b - a for a, b in pairwise(shares)) > 0.07
    assert len(shares) >= 4
    assert [axis.at(share) for share in (0, 1)] == pytest.approx([low, high])
    assert [axis.at(axis.share(value)) for value in axis.ticks] == pytest.approx(axis.ticks, abs=1e-9)


def test_names_of_lines_keep_their_order_and_apart() -> None:
    crowd = [(f"jpeg,quality={level}", float(level), 0.3 + level / 1e3) for level in range(8)]
    (found,) = boards(board([*DEFENSES[:2], *crowd], budgets=[1_000, 50_000], seeds=[0]))
    named = [point for point in lines(found, points(found), "jpeg") if point["line_y"] is not None]
    assert len(named) == 10
    named.sort(key=lambda point: point["accuracy"])
    levels = [distances(found).share(point["line_y"]) * SMALL_HEIGHT for point in named]
    assert min(b - a for a, b in pairwise(levels)) > SMALL_LINE - 1e-6


def test_strengths_run_from_weak_to_strong_whichever_way_their_parameter_does() -> None:
    (found,) = boards(SMALL)
    shown = [point["strength"] for point in points(found) if (point["family"], point["budget"]) == ("jpeg", 1_000)]
    assert shown == [50, 30, 10]


def test_axes_hold_what_they_show_and_waste_little() -> None:
    (found,) = boards(board())
    for budget in found.budgets:
        for name, axis in (("gain", gains(found, budget)), ("cost", costs(found, budget))):
            shares = [axis.share(point[name]) for point in points(found) if point["budget"] == budget]
            assert 0 < min(shares) < 0.1
            assert 0.9 < max(shares) < 1


def uneven() -> list[Record]:
    """A board whose undefended target one attack faced that the defense did not, with attackers who know the other."""
    made = board(DEFENSES[:4], budgets=[50_000])
    kept = [each for each in made if each.defense != "jpeg,quality=10" or each.attack == "fidelity"]
    return [
        replace(each, knowledge="answers, the defense")
        if (each.defense, each.attack) == ("jpeg,quality=30", "accuracy")
        else each
        for each in kept
    ]


def test_gain_and_cost_of_a_defense_are_those_of_the_csv() -> None:
    records = uneven()
    csv = table(records)
    (found,) = boards(records)
    for row in shown_rows(found, {}):
        own = csv[csv["record"].isin(row.row.records)]
        cells = dict(zip(row.columns, row.cells, strict=True))
        for name in ("security_gain", "utility_cost"):
            assert float(cells[name].value) == pytest.approx(own[name].mean())
        shown = {figure.name: figure.text for figure in row.figures}
        assert shown["security_gain"] == interval_text(found.judged[row.row.defense, 50_000].security_gain)
    for point in points(found):
        own = csv[csv["defense"] == point["defense"]]
        assert [point["gain"], point["cost"]] == pytest.approx(
            [own["security_gain"].mean(), own["utility_cost"].mean()]
        )
        # The dotted line of no defense lies a gain below its point, though another attack went further there.
        assert point["accuracy"] - point["none_accuracy"] == pytest.approx(point["gain"], abs=1e-6)


def test_a_gain_is_empty_where_the_attacker_was_handed_more_than_the_budget() -> None:
    records = [
        replace(each, queries_charged=60_000) if each.attack == "accuracy" else each for each in board(budgets=[50_000])
    ]
    (found,) = boards(records)
    for row in shown_rows(found, {}):
        assert (row.cells[0].text == "") == (row.row.attack == "accuracy")


def test_flags_of_a_defense_are_on_its_rows(tmp_path: Path) -> None:
    (found,) = boards(uneven())
    for row in shown_rows(found, {}):
        assert row.informed == (row.row.defense == "jpeg,quality=30")
        assert any("no attacker knows the defense" in flag for flag in row.flags) == (
            row.row.defense in ("garbage", "jpeg,quality=10")
        )
        assert any("not attacked by accuracy" in flag for flag in row.flags) == (row.row.defense == "jpeg,quality=10")
    (path,) = write_report(uneven(), nowhere, tmp_path / "a.html")
    html = path.read_text()
    assert "not attacked by accuracy, as the undefended target was (seeds 0, 1, 2)</li>" in html
    assert html.count("strongest, uninformed</span>") == 2


def test_who_attacked_with_some_seeds_alone_informs_nobody() -> None:
    once = [each for each in uneven() if each.attack != "accuracy" or each.seed == 0]
    informed = {row.row.defense for row in shown_rows(boards(once)[0], {}) if row.informed}
    verdicts = {verdict.defense for verdict in boards(once)[0].verdicts if verdict.informed}
    assert informed == verdicts == set()


def test_rows_rank_by_gain_the_strongest_attacker_first() -> None:
    (found,) = boards(board())
    first = [row for row in found.rows if row.budget == 50_000]
    assert found.rows[: len(first)] == tuple(first)
    gained = [found.judged[row.defense, row.budget].security_gain for row in first]
    assert [gain.value for gain in gained if gain] == sorted((gain.value for gain in gained if gain), reverse=True)
    assert all(found.judged[row.defense, 50_000].strongest == row.attack for row in first[::2])


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
    # A small one that is kept beside records serves as well, as it is.
    small = small_sheet(tmp_path / f"{SMALL[0].id}.png")
    assert small is not None
    (tmp_path / "kept.webp").write_bytes(small)
    assert small_sheet(tmp_path / "kept.webp") == small
    assert data_uri(tmp_path / "kept.png") == uri
    assert data_uri(tmp_path / "none.png") is None
    (tmp_path / "bad.png").write_text("no image")
    assert data_uri(tmp_path / "bad.png") is None


def test_no_sheet_of_a_stranger_stops_the_page(tmp_path: Path) -> None:
    image = Image.new("RGB", (800, 400))
    (text := PngInfo()).add_text("x", "a" * 2_000_000, zip=True)
    image.save(tmp_path / "text.png", pnginfo=text)
    image.save(tmp_path / "plain.png")
    whole = (tmp_path / "plain.png").read_bytes()
    # As large as the file says that it is, 2.7 GB would have to be unpacked.
    header = b"IHDR" + (30_000).to_bytes(4) * 2 + whole[24:29]
    (tmp_path / "huge.png").write_bytes(whole[:12] + header + zlib.crc32(header).to_bytes(4) + whole[33:])
    image.save(tmp_path / "other.png", "BMP")
    image.resize((2000, 1)).save(tmp_path / "flat.png")
    image.resize((10, 17_000)).save(tmp_path / "tall.png")
    assert data_uri(tmp_path / "plain.png")
    for name in ("text", "huge", "other", "flat", "tall"):
        assert data_uri(tmp_path / f"{name}.png") is None, name


@pytest.mark.parametrize("distance", [-5.0, 5e-324])
def test_a_distance_that_cannot_be_does_not_stop_the_page(tmp_path: Path, distance: float) -> None:
    records = [
        replace(each, figures=each.figures | {"accuracy_fd": distance}) if each.defense == "jpeg" else each
        for each in SMALL
    ]
    assert write_report(records, nowhere, tmp_path / "a.html")


def test_what_beats_a_defense_is_told_by_the_seeds_of_both() -> None:
    """As on the page of adaptive attackers: a seed more may move a mean, but no difference."""
    records = [
        *seeds("none", "fidelity", [10.0, 20.0, 30.0, 10.0]),
        *seeds("poor", "fidelity", [50.0, 60.0, 70.0, 900.0], utilities=[109.0, 109.1, 109.2, 100.0]),
        *seeds("better", "fidelity", [52.0, 62.1, 72.0], utilities=[108.0, 108.1, 108.25]),
    ]
    (found,) = boards(records)
    told = {each.verdict.defense: each.beaten_by for each in protections(records, 1000)}
    assert told == {defense: names for (defense, _), names in found.beaten.items()}
    assert told["poor"] == ("better",)


def test_a_shipped_board_keeps_a_small_sheet_of_each_row_beside_its_records(tmp_path: Path) -> None:
    records = board(DEFENSES[:2], budgets=[1_000], seeds=[0, 1])
    for each in records:
        each.save(tmp_path / "records")
    made, kept = tmp_path / "made", tmp_path / "sheets"
    seconds = [each for each in records if each.seed == 1 or each.defense == "garbage"]
    draw_sheets(seconds, made)
    written = keep_sheets(tmp_path, made)
    # Of the first seed that has one; a second time there is nothing to do.
    expected = {each.id for each in seconds if (each.defense, each.seed) in (("none", 1), ("garbage", 0))}
    assert {path.stem for path in written} == expected
    assert {path.parent for path in written} == {kept}
    assert all(path.stat().st_size < 60_000 for path in written)
    assert keep_sheets(tmp_path, made) == []
    # Three of the four sets: the training set is not the project's to publish.
    with Image.open(made / f"{written[0].stem}.png") as whole, Image.open(written[0]) as small:
        assert small.height / small.width == pytest.approx(whole.height / whole.width * 3 / 4, rel=0.02)
    (page,) = write_report(records, lambda record: kept / f"{record}.png", tmp_path / "a.html")
    assert page.read_text().count("data:image/webp") == 4
    assert "No sample sheet was kept" not in page.read_text()


def test_without_a_sheet_the_page_says_that_none_was_kept(tmp_path: Path) -> None:
    (page,) = write_report(SMALL, nowhere, tmp_path / "a.html")
    assert page.read_text().count("No sample sheet was kept with the records of this row.") == len(SMALL) // 3


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
    assert [re.sub("[0-9a-f]{8}", "HASH", page.name) for page in pages] == [
        "a-x-HASH.html",
        "a-fashion-mnist-HASH.html",
    ]
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


def test_tables_hold_every_verdict_and_no_markup_of_strangers() -> None:
    hostile = "a|b_c <b>&"
    (found,) = boards(board([*DEFENSES[:2], (hostile, None, 0.3)], budgets=[1_000]))
    text = markdown_table(found)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == len(found.verdicts) + 2
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}
    assert "<b>" not in text
    latex = latex_table(found)
    assert r"a|b\_c <b>\&" in latex
    assert latex.count(r"\\") == len(found.verdicts) + 1
    assert all(sign in latex for sign in (r"$\pm$", r"Gain $\uparrow$", r"Cost $\downarrow$", "answers, discriminator"))
    # Of garbage and the stranger's, but not of none.
    assert latex.count(r"$\dagger$ &") == 2


@pytest.mark.parametrize("end", ["\n", "\r", "\n\n", "\v", "\x1c", "\x85", "\u2028", "\x1b[2J"])
def test_no_name_ends_its_row_of_a_table(end: str) -> None:
    (found,) = boards(board([*DEFENSES[:2], (f"first{end}second", None, 0.3)], budgets=[1_000]))
    markdown, latex = markdown_table(found), latex_table(found)
    for text in (markdown, latex):
        assert text.replace("\n", "").isprintable()
        (row,) = [line for line in text.splitlines() if "first" in line]
        assert re.search("first .*second ", row)
    assert len([line for line in markdown.splitlines() if line.startswith("|")]) == len(found.verdicts) + 2


def test_papers_get_no_empty_picture(tmp_path: Path) -> None:
    few = [
        each for each in board(DEFENSES[:5], budgets=[1_000, 10_000]) if each.budget == 1_000 or each.strength is None
    ]
    (found,) = boards(few)
    names = {path.stem for path in write_paper(found, tmp_path)}
    assert "strength-jpeg-1000" in names
    assert "strength-jpeg-10000" not in names
    words = "".join(ElementTree.parse(tmp_path / "strength-jpeg-1000.svg").getroot().itertext())
    assert all(word in words for word in ("jpeg at 1,000 queries", "quality, from weak to strong", "root scale"))

"""The page of adaptive attackers: what survives follows from the records, seed by seed."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from few_records import made, seeds
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from benchmark.cli import cli
from benchmark.errors import UsageError
from benchmark.record import Record
from leaderboard.adaptive import Protection, protections, write_page
from leaderboard.adaptive.plot import draw, height, shown
from leaderboard.pages import WIDTH

KNOWING = "answers, the defense"
NONE = [
    *seeds("none", "fidelity", [100.0, 102.0, 98.0]),
    *seeds("none", "through", [110.0, 111.0, 112.0], knowledge=KNOWING),
]
NOISE = {"utilities": [150.0, 151.0, 152.0]}
RECORDS = [
    *NONE,
    # He who ignores it is kept 100 away, he who knows it 25: a quarter survives.
    *seeds("noise", "fidelity", [200.0, 202.0, 198.0], **NOISE),
    *seeds("noise", "through", [125.0, 127.0, 123.0], knowledge=KNOWING, **NOISE),
    # He who ignores it is not hindered beyond the noise.
    *seeds("jpeg", "fidelity", [95.0, 105.0, 101.0]),
]


def found(records: list[Record]) -> dict[str, Protection]:
    return {each.verdict.defense: each for each in protections(records, 1000)}


def test_what_survives_is_what_is_left_against_who_knows_it() -> None:
    every = found(RECORDS)
    noise = every["noise"]
    assert noise.naive
    assert noise.informed
    assert noise.survives
    assert (noise.naive.value, noise.informed.value) == (pytest.approx(100), pytest.approx(25))
    assert noise.survives.value == pytest.approx(0.25)
    assert noise.verdict.strongest == "through"
    assert every["jpeg"].survives is None
    assert every["none"].naive is None
    assert next(iter(every)) == "none"


def test_nothing_survives_that_nobody_who_knows_the_defense_attacked_with_every_seed() -> None:
    ignored = [each for each in RECORDS if each.defense == "none" or each.attack == "fidelity"]
    one_missing = [each for each in RECORDS if each.id != "noise/through/1000/2"]
    for records in (ignored, one_missing):
        noise = found(records)["noise"]
        assert noise.naive
        assert noise.informed is None
        assert noise.survives is None


def test_who_knows_the_defense_and_nothing_else_is_told_from_who_has_real_images_besides() -> None:
    real = "answers, the defense, 10% of the training set"
    equipped = [
        *seeds("none", "purify", [100.0, 102.0, 98.0], knowledge=real),
        *seeds("noise", "purify", [110.0, 112.0, 108.0], knowledge=real, **NOISE),
    ]
    noise = found([*RECORDS, *equipped])["noise"]
    assert noise.informed
    assert noise.equipped
    assert (noise.informed.value, noise.equipped.value) == (pytest.approx(25), pytest.approx(10))
    assert noise.survives
    assert noise.survives_equipped
    assert (noise.survives.value, noise.survives_equipped.value) == (pytest.approx(0.25), pytest.approx(0.1))
    # Where only they were tried, nothing is said of who knows it and nothing else.
    alone = found([each for each in [*RECORDS, *equipped] if each.attack != "through"])["noise"]
    assert (alone.informed, alone.survives) == (None, None)
    assert alone.equipped == noise.equipped


def test_a_better_attacker_of_the_undefended_target_does_not_make_protection_survive() -> None:
    # On the undefended target he who has more than the answers is far better; on the defense likewise.
    accurate = [
        *seeds("none", "accuracy", [60.0, 62.0, 58.0], knowledge="answers, discriminator"),
        *seeds("noise", "accuracy", [160.0, 162.0, 158.0], knowledge="answers, discriminator", **NOISE),
    ]
    before, after = (found(records)["noise"] for records in (RECORDS, [*RECORDS, *accurate]))
    assert after.survives == before.survives
    assert after.verdict.security_gain
    assert after.verdict.security_gain.value == pytest.approx(125 - 60)


def test_who_knows_the_defense_may_ignore_it() -> None:
    poor = [
        each if each.defense == "none" else replace(each, figures=each.figures | {"accuracy_fd": 900.0 + each.seed})
        for each in RECORDS
        if each.attack == "through"
    ]
    survives = found([*(each for each in RECORDS if each.attack != "through"), *poor])["noise"].survives
    assert survives
    assert survives.value == pytest.approx(1)


def test_the_page_is_written_and_says_what_is_missing(tmp_path: Path) -> None:
    limit = seeds("query-limit", "fidelity", [150.0, 152.0, 148.0])
    refusing = [replace(each, figures=each.figures | {"utility_refused": 0.875}) for each in limit]
    write_page([*RECORDS, *refusing], 1000, tmp_path / "PAGE.md", wanted=20)
    text = (tmp_path / "PAGE.md").read_text()
    assert "18 of the 20 cells" in text
    (noise,) = (line for line in text.splitlines() if line.startswith("| `noise` |") and "`through`" in line)
    assert "| 25% [" in noise
    assert noise.endswith("| `through` (answers, the defense) |")
    (row,) = (line for line in text.splitlines() if line.startswith("| `jpeg` |") and "`fidelity`" in line)
    assert "|  |  |  |  |" in row  # against who knows it, and what survives: nobody who knows it was tried
    told = seeds("jpeg", "through", [96.0, 104.0, 100.0], knowledge=KNOWING)
    write_page([*RECORDS, *told], 1000, tmp_path / "KNOWN.md", wanted=20)
    (row,) = (
        line
        for line in (tmp_path / "KNOWN.md").read_text().splitlines()
        if line.startswith("| `jpeg` |") and "(" in line
    )
    assert row.count("not above the noise") == 2
    assert "| 88% [88%, 88%] |" in text
    with pytest.raises(UsageError, match="no record is of a budget of 77 images"):
        write_page(RECORDS, 77, tmp_path / "OTHER.md", wanted=20)
    with pytest.raises(UsageError, match=r"of 77 images and of seed 3, 4; .* another --budget or --seed$"):
        write_page(RECORDS, 77, tmp_path / "OTHER.md", wanted=20, only=(3, 4))
    other = made("none", "fidelity", 3, 30.0, features="other")
    with pytest.raises(UsageError, match="of 2 settings"):
        write_page([*RECORDS, other], 1000, tmp_path / "OTHER.md", wanted=20)
    assert not (tmp_path / "OTHER.md").exists()


def test_with_nothing_to_draw_there_is_no_plot(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_page(NONE, 1000, tmp_path / "PAGE.md", wanted=6)
    assert not (tmp_path / "page").exists()
    assert "survives.png" not in (tmp_path / "PAGE.md").read_text()


def many() -> list[Protection]:
    """Weak and strong defenses, some far apart, some alike, and both controls."""
    rises = {"linear": 5.0, "a-rather-long-name,parameter=0.25": 6.0, "semantic": -40.0, "filter": 500.0, "noise": 2e3}
    records = [*NONE, *seeds("garbage", "fidelity", [9e4, 9.1e4, 9.3e4])]
    for defense, rise in rises.items():
        records += seeds(defense, "fidelity", [100 + rise, 103 + rise, 98 + rise])
        records += seeds(defense, "through", [100 + rise / 2, 104 + rise / 2, 98 + rise / 2], knowledge=KNOWING)
    records += seeds("unknown", "fidelity", [200.0, 205.0, 190.0])
    return protections(records, 1000)


@pytest.fixture
def drawn() -> Axes:
    rows = shown(many())
    figure = Figure(figsize=(WIDTH, height(len(rows))), layout="constrained")
    FigureCanvasAgg(figure)
    ax = figure.subplots()
    draw(rows, ax)
    figure.draw_without_rendering()
    return ax


def test_the_plot_has_a_line_per_defense_and_none_for_controls(drawn: Axes) -> None:
    names = [label.get_text().replace("\n", "") for label in drawn.get_yticklabels()]
    assert names == [each.verdict.defense for each in many() if each.verdict.defense not in ("none", "garbage")]
    assert drawn.get_xlim()[1] < 5000
    # Five defenses with four points, one without an attacker who knows it.
    assert len(drawn.containers) == 5 * 4 + 2
    (legend,) = drawn.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "attacker ignores it",
        "attacker knows it",
        "knows it, and has more",
        "strongest attacker",
    ]


def test_points_stand_at_their_means_in_the_line_of_their_defense(drawn: Axes) -> None:
    rows = shown(many())
    colours = {"tab:blue": "naive", "tab:orange": "informed", "tab:red": "equipped"}
    for colour, name in colours.items():
        expected = [(line, getattr(row, name).value) for line, row in enumerate(rows) if getattr(row, name)]
        points = [
            (round(float(line.get_ydata()[0])), float(line.get_xdata()[0]))
            for line in drawn.get_lines()
            if line.get_marker() in ("o", "D", "v") and to_hex(line.get_color()) == to_hex(colour)
        ]
        assert points == [(line, pytest.approx(value)) for line, value in expected]


def test_no_text_of_the_plot_lies_over_another_or_outside(drawn: Axes) -> None:
    low, high = sorted(drawn.get_xlim())
    for labels, size in ((drawn.get_yticklabels(), "y"), (drawn.get_xticklabels(), "x")):
        boxes = [label.get_window_extent() for label in labels if label.get_text()]
        boxes.sort(key=lambda box: getattr(box, f"{size}0"))
        for one, other in pairwise(boxes):
            assert getattr(one, f"{size}1") <= getattr(other, f"{size}0")
    assert all(low <= tick <= high for tick in drawn.get_xticks())
    assert len(drawn.get_xticks()) >= 4
    figure = drawn.figure
    for each in (*drawn.get_yticklabels(), drawn.xaxis.label, *figure.legends):
        box = each.get_window_extent()
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1


def test_the_command_writes_the_page_of_its_sweep(tmp_path: Path) -> None:
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text(
        "track: fashion-mnist\ndefenses: [none, noise, jpeg]\nattacks: [fidelity, through]\nbudgets: [1k, 2k]\n"
        "seeds: [0, 1, 2]\n"
    )
    # What is of no cell of the sweep is left aside.
    others = seeds("filter", "fidelity", [1.0, 2.0, 3.0])
    for number, record in enumerate([*RECORDS, *others]):
        replace(record, id=f"{number:032x}", track="fashion-mnist").save(tmp_path / "records")
    command = ["adaptive", "--sweep", str(sweep), "--records", str(tmp_path / "records"), "--budget", "1k"]
    done = CliRunner().invoke(cli, [*command, "--out", str(tmp_path / "PAGE.md")], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    text = (tmp_path / "PAGE.md").read_text()
    assert "`through` (answers, the defense)" in text
    assert "15 of the 18 cells" in text
    assert "filter" not in text
    assert "Only of seed" not in text


def test_the_page_may_be_of_some_seeds_alone(tmp_path: Path) -> None:
    """As of those with which all attackers were run: of the others, some have no figure to compare with."""
    sweep = tmp_path / "sweep.yaml"
    sweep.write_text(
        "track: fashion-mnist\ndefenses: [none, noise]\nattacks: [fidelity, through]\nbudgets: [1k]\nseeds: [0, 1, 2]\n"
    )
    for number, record in enumerate(record for record in RECORDS if record.defense != "jpeg"):
        if record.seed == 0 or record.attack == "fidelity":
            replace(record, id=f"{number:032x}", track="fashion-mnist").save(tmp_path / "records")
    command = ["adaptive", "--sweep", str(sweep), "--records", str(tmp_path / "records"), "--budget", "1k"]
    page = tmp_path / "PAGE.md"
    for chosen, cells, knowing in (([], "8 of the 12", "|  |"), (["--seed", "0"], "4 of the 4", "| 25.0 (one seed) |")):
        done = CliRunner().invoke(cli, [*command, *chosen, "--out", str(page)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        text = page.read_text()
        assert f"{cells} cells" in text
        (row,) = (line for line in text.splitlines() if line.startswith("| `noise` | 100.0"))
        assert knowing in row
    assert "`python -m benchmark adaptive --seed 0`" in text
    assert "**Only of seed 0**" in text

"""The page of the paper's findings: what it says follows from the records, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_table import PLAIN

from benchmark.cli import cli
from benchmark.config import Cell
from benchmark.errors import UsageError
from benchmark.record import Record
from benchmark.store import digest
from benchmark.sweep import load_sweep
from leaderboard.findings import Evidence, answers, write_page

SWEEP = Path(__file__).parents[2] / "sweeps" / "findings.yaml"
CELLS = load_sweep(SWEEP)
ELSEWHERE = load_sweep(SWEEP.with_name("features.yaml"))
UNMEASURED = Evidence(ELSEWHERE, [])


def record(cell: Cell, **figures: float) -> Record:
    """A record of a cell, with figures that differ a little from seed to seed."""
    known = {"fidelity_fd": 100.0, "accuracy_fd": 200.0, "utility_fd": 50.0} | figures
    return replace(
        PLAIN,
        # Not Python's hash, which is another in each process.
        id=digest({"cell": cell.title}),
        track=cell.track.name,
        defense=cell.defense,
        attack=cell.attack,
        budget=cell.budget,
        seed=cell.seed,
        attack_parameters={"chain": 10},
        figures={name: value + 0.1 * cell.seed for name, value in known.items()},
    )


def falling(cell: Cell) -> Record:
    """A world in which every finding holds."""
    fidelity = 100 + 1e6 / cell.budget
    accuracy = fidelity + 50 - 10 * cell.attack.startswith("accuracy") + 30 * (cell.defense != "none")
    # Seeds must not agree to the last digit, or an interval has no width.
    jitter = 0.01 * cell.seed * (cell.budget / 1e5 + 1)
    cost = 20.0 * (cell.defense != "none")
    return record(cell, fidelity_fd=fidelity + jitter, accuracy_fd=accuracy + 2 * jitter, utility_fd=50 + cost)


def answered(text: str) -> list[list[str]]:
    """The rows of the table of answers: the finding, the recipe's answer, and that of four times the steps."""
    lines = text[text.index("| the paper's finding") : text.index("## 1.")].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def test_in_a_world_where_they_hold_all_findings_hold(tmp_path: Path) -> None:
    evidence, other = (Evidence(cells, [falling(cell) for cell in cells]) for cells in (CELLS, ELSEWHERE))
    write_page(evidence, other, tmp_path / "PAGE.md")
    text = (tmp_path / "PAGE.md").read_text()
    assert text[text.index("**Is it the features?**") :].count("| yes |") == 5
    assert [row[1:] for row in answered(text)] == [
        ["yes", "yes"],
        ["yes", "yes"],
        ["yes", "yes (1,000 queries, 50,000 queries, 100,000 queries)"],
        ["yes", "yes (50,000 queries)"],
        ["yes", "not measured"],
        ["yes", "yes (`jpeg`, `linear`)"],
    ]
    assert "66 of the 66 cells" in text
    assert {path.name for path in (tmp_path / "page").iterdir()} == {"budgets.png", "perturbations.png"}
    assert text.count("not measured") == 1  # the paper's counting with more steps, which the sweep does not ask after


def test_in_a_world_without_effects_none_is_found() -> None:
    evidence = Evidence(CELLS, [record(cell, accuracy_fd=100.0 + (-1) ** cell.seed) for cell in CELLS])
    assert answers.verdict([answers.whole_fall(evidence)], -1) == "undecided"
    assert answers.verdict(answers.gaps(evidence).values(), 1) == "undecided"
    assert answers.verdict([each.accuracy for each in answers.perturbations(evidence)], 1) == "undecided"


@pytest.mark.parametrize(("sign", "says"), [(1, "no"), (-1, "yes")])
def test_a_verdict_has_a_side(sign: int, says: str) -> None:
    evidence = Evidence(CELLS, [falling(cell) for cell in CELLS])
    assert answers.verdict([answers.whole_fall(evidence)], sign) == says
    rises = [each.accuracy for each in answers.perturbations(evidence)]
    falls = [answers.whole_fall(evidence)]
    assert answers.verdict([*rises, *falls], sign) == "in part"


def test_one_seed_decides_nothing_and_quick_records_do_not_count() -> None:
    one = Evidence(CELLS, [falling(cell) for cell in CELLS if cell.seed == 0])
    assert answers.verdict(answers.gaps(one).values(), 1) == "undecided"
    assert not Evidence(CELLS, [replace(falling(cell), quick=True) for cell in CELLS]).records
    assert not Evidence(CELLS, [replace(falling(cell), budget=7) for cell in CELLS]).records


def test_fidelity_that_still_falls_has_not_levelled_off() -> None:
    linear = [record(cell, fidelity_fd=1000 - cell.budget / 1000) for cell in CELLS]
    assert answers.levels_off(Evidence(CELLS, linear)) == "no"
    assert answers.levels_off(Evidence(CELLS, [each for each in linear if each.budget <= 50_000])) == "not measured"


@pytest.mark.parametrize(("spread", "says"), [(0.0, "yes"), (30.0, "undecided")])
def test_what_is_level_is_so_beyond_the_noise_only(spread: float, says: str) -> None:
    """On average nothing is gained after 50,000 queries; where seeds differ enough, that says nothing."""

    def world(cell: Cell) -> Record:
        fidelity = 1000.0 if cell.budget == 1000 else 500.0
        rest = spread * (cell.seed - 1) if cell.budget > answers.ENOUGH else 0.0
        return record(cell, fidelity_fd=fidelity + rest)

    evidence = Evidence(CELLS, [world(cell) for cell in CELLS])
    assert answers.levels_off(evidence) == says


def test_what_has_not_fallen_cannot_level_off() -> None:
    flat = [record(cell, fidelity_fd=100.0 + (-1) ** (cell.seed + cell.budget // 1000)) for cell in CELLS]
    assert answers.levels_off(Evidence(CELLS, flat)) == "undecided"


def test_steps_are_told_from_queries() -> None:
    def world(cell: Cell) -> Record:
        gained = cell.budget / 1000 if cell.attack == answers.LONGER else 0
        return record(cell, fidelity_fd=100 - gained + 0.01 * cell.seed * gained)

    evidence = Evidence(CELLS, [world(cell) for cell in CELLS])
    assert answers.verdict([answers.whole_fall(evidence)], -1) == "undecided"
    assert answers.verdict([answers.whole_fall(evidence.longer())], -1) == "yes"
    gains = answers.beside_fidelity(evidence, "fidelity_fd", answers.LONGER)
    assert {budget: round(gain.value) for budget, gain in gains.items()} == {1000: -1, 50_000: -50, 100_000: -99}


@pytest.mark.parametrize(
    ("budgets", "says", "count"),
    [
        ((), ["not measured", "not measured"], 0),
        ((1000,), ["not measured", "not measured"], 3),
        ((1000, 50_000), ["yes (1,000 to 50,000 queries)", "not measured"], 6),
        ((50_000, 100_000), ["yes (50,000 to 100,000 queries)", "not measured"], 6),
        ((1000, 50_000, 100_000), ["yes", "no"], 9),
    ],
)
def test_trainings_of_more_steps_answer_for_themselves_as_far_as_they_are_there(
    budgets: tuple[int, ...], says: list[str], count: int, tmp_path: Path
) -> None:
    """With the recipe's steps everything is level; with four times as many, fidelity falls on and on."""

    def world(cell: Cell) -> Record:
        longer = cell.attack == answers.LONGER
        return record(cell, fidelity_fd=1000 - cell.budget / 1000) if longer else falling(cell)

    kept = [cell for cell in CELLS if answers.STEPS not in cell.attack]
    kept += [
        cell for cell in CELLS if (cell.attack, cell.defense) == (answers.LONGER, "none") and cell.budget in budgets
    ]
    evidence = Evidence(CELLS, [world(cell) for cell in kept])
    assert (len(evidence.longer().records), evidence.longer().total) == (count, 18)
    write_page(evidence, UNMEASURED, tmp_path / "PAGE.md")
    text = (tmp_path / "PAGE.md").read_text()
    assert [row[1] for row in answered(text)] == ["yes"] * 6
    assert [row[2] for row in answered(text)[:2]] == says
    assert f"{count} of 18 cells" in text


@pytest.mark.parametrize(
    ("missing", "shown"),
    [
        ((), ["1,000 to 100,000 queries", "fall beyond", "50,000 queries", "`jpeg`", "`linear`"]),
        (("accuracy", "linear", 100_000), ["1,000 to 50,000 queries", "`jpeg`"]),
        (("none",), []),
    ],
)
def test_what_is_in_doubt_is_held_against_trainings_of_more_steps(
    missing: tuple[str | int, ...], shown: list[str], tmp_path: Path
) -> None:
    """Seeds of the recipe's steps differ too much to tell anything of its budgets, of accuracy or of jpeg."""

    def world(cell: Cell) -> Record:
        each = falling(cell)
        noisy = cell.budget / 1e5 + (cell.defense == "jpeg") + cell.attack.startswith("accuracy")
        noise = 0.0 if cell.attack.endswith(answers.STEPS) else 3000 * (cell.seed - 1) * noisy
        figures = {name: each.figures[name] + noise for name in ("accuracy_fd", "fidelity_fd")}
        return replace(each, figures=each.figures | figures)

    def lacks(cell: Cell) -> bool:
        what = {cell.attack.removesuffix(answers.STEPS), cell.defense, cell.budget}
        return cell.attack.endswith(answers.STEPS) and not what.isdisjoint(missing)

    evidence = Evidence(CELLS, [world(cell) for cell in CELLS if not lacks(cell)])
    doubtful = answers.in_doubt(evidence)
    assert len(doubtful) == len(shown)
    assert all(each.what.startswith(what) for each, what in zip(doubtful, shown, strict=True))
    for each in doubtful:
        assert each.here is not None
        # Both are of the same budgets, on which each world has the same mean; linear was not in doubt by itself.
        assert each.here.value == pytest.approx(each.there.value)
        assert (each.here.low < 0 < each.here.high) == (each.what != "`linear`")
        assert each.there.low > 0 or each.there.high < 0
    write_page(evidence, UNMEASURED, tmp_path / "PAGE.md")
    text = (tmp_path / "PAGE.md").read_text()
    part = text[text.index("**Is it the length of the training?**") : text.index("**Is it the features?**")]
    assert part.count("\n|") == (len(shown) + 2 if shown else 0)
    assert f"With four times the steps, {len(evidence.longer().records)} of 18 cells are recorded." in part


def test_one_seed_of_more_steps_decides_nothing() -> None:
    kept = [cell for cell in CELLS if answers.STEPS not in cell.attack or cell.seed == 0]
    longer = Evidence(CELLS, [falling(cell) for cell in kept]).longer()
    assert [each.answer for each in answers.findings(longer) if each.differences] == ["undecided"] * 5


def test_perturbations_are_ordered_by_what_they_protect() -> None:
    rises = {"jpeg": 5.0, "noise": 50.0, "filter": -20.0}
    records = [record(cell, accuracy_fd=200 + rises.get(cell.defense, 0.0)) for cell in CELLS]
    order = [each.defense for each in answers.perturbations(Evidence(CELLS, records)) if each.defense in rises]
    assert order == ["noise", "jpeg", "filter"]


@pytest.mark.parametrize(
    ("spread", "says"),
    [
        (0.0, "interval above zero: `noise` above `jpeg`, `jpeg` above `filter`. Other adjacent pairs: none."),
        (9.0, "interval above zero: `noise` above `jpeg`. Other adjacent pairs: `jpeg` above `filter`."),
        (90.0, "interval above zero: none. Other adjacent pairs: `noise` above `jpeg`, `jpeg` above `filter`."),
    ],
)
def test_places_in_the_order_hold_as_far_as_seeds_tell_neighbours_apart(
    spread: float, says: str, tmp_path: Path
) -> None:
    """t(2) = 4.303 standard errors of three seeds: 22.4 to each side of 100 and of 10 at a spread of 9, 224 at 90."""
    rises = {"noise": 120.0, "jpeg": 20.0, "filter": 10.0, "none": 0.0}
    records = [
        record(cell, accuracy_fd=200 + rises[cell.defense] + spread * (cell.seed - 1) * (cell.defense == "jpeg"))
        for cell in CELLS
        if cell.defense in rises
    ]
    evidence = Evidence(CELLS, records)
    margins = {(each.above, each.below): each.margin for each in answers.order(evidence)}
    assert [margin and round(margin.value) for margin in margins.values()] == [100, 10]
    margin = margins["jpeg", "filter"]
    assert margin is not None
    assert margin.width / 2 == pytest.approx(4.303 * spread / 3**0.5, abs=0.1)
    write_page(evidence, UNMEASURED, tmp_path / "PAGE.md")
    text = (tmp_path / "PAGE.md").read_text()
    assert says in " ".join(text.split())
    rows = {line.split("|")[1].strip(): line.split("|") for line in text.splitlines() if "|" in line}
    assert rows["`noise`"][3].startswith(" 100.0 [")
    assert not rows["`filter`"][3].strip()


def test_one_perturbation_has_no_order(tmp_path: Path) -> None:
    evidence = Evidence(CELLS, [falling(cell) for cell in CELLS if cell.defense in {"none", "jpeg"}])
    assert answers.order(evidence) == []
    write_page(evidence, UNMEASURED, tmp_path / "PAGE.md")
    assert "told apart" not in (tmp_path / "PAGE.md").read_text()


def test_what_did_not_come_out_is_held_against_what_the_seeds_could_tell(tmp_path: Path) -> None:
    def world(cell: Cell) -> Record:
        each = falling(cell)
        noise = 20.0 * (cell.seed - 1) * (cell.defense == "jpeg")
        return replace(each, figures=each.figures | {"accuracy_fd": each.figures["accuracy_fd"] + noise})

    evidence = Evidence(CELLS, [world(cell) for cell in CELLS])
    last = answers.findings(evidence)[-1]
    assert (last.answer, list(last.against)) == ("in part", ["`jpeg`"])
    write_page(evidence, UNMEASURED, tmp_path / "PAGE.md")
    lines = (tmp_path / "PAGE.md").read_text().splitlines()
    # The first is of the seeds, the second of the length of the training.
    line, _ = (line for line in lines if f"| {last.title} | `jpeg` |" in line)
    # t(2) = 4.303 standard errors, of a standard deviation of 20 over three seeds: more than the rise of 30. With five,
    # 2.776 standard errors are 24.8; with four, 3.182 are 31.8.
    assert line.endswith("| 49.7 | 5 |")


def test_what_limits_a_copy_is_told_from_the_records(tmp_path: Path) -> None:
    def world(cell: Cell) -> Record:
        best = 2000 if cell.budget == 1000 else 2500
        history = [{"step": step} for step in (2000, 2500)]
        each = falling(cell)
        return replace(each, trainings=({"best_step": best, "history": history},), floors={"training_set": 19.7})

    evidence = Evidence(CELLS, [world(cell) for cell in CELLS])
    assert answers.still_improving(evidence) == (18, 21)
    gap = answers.behind_target(evidence)[1000]
    assert gap.value == pytest.approx(100 + 1000 - 50, abs=0.1)
    write_page(evidence, UNMEASURED, tmp_path / "PAGE.md")
    text = (tmp_path / "PAGE.md").read_text()
    assert "In 18 of 21 trainings" in text
    assert "| another sample of the same | 19.7 | not known |" in text


def test_the_chains_of_both_countings_and_of_the_paper_are_named(tmp_path: Path) -> None:
    lengths = {answers.ACCURACY: 7, answers.REFINED: 13}
    records = [replace(falling(cell), attack_parameters={"chain": lengths.get(cell.attack, 0)}) for cell in CELLS]
    write_page(Evidence(CELLS, records), UNMEASURED, tmp_path / "PAGE.md")
    text = (tmp_path / "PAGE.md").read_text()
    assert "| every image drawn | 7 | 10,000 |" in text
    assert "| refined images alone: the paper's counting, not its K | 13 | 10,000 |" in text
    assert "with a K of 640; counting like that with a K of 13 is not the same regime." in " ".join(text.split())


def test_how_like_its_image_an_answer_is_stands_beside_its_cost(tmp_path: Path) -> None:
    records = [record(cell, **({"utility_ssim": 0.5} if cell.defense == "adversarial" else {})) for cell in CELLS]
    write_page(Evidence(CELLS, records), UNMEASURED, tmp_path / "PAGE.md")
    rows = {line.split("|")[1].strip(): line for line in (tmp_path / "PAGE.md").read_text().splitlines() if "|" in line}
    assert "| 0.600 [" in rows["`adversarial`"]
    assert rows["`linear`"].endswith("|  |  |")


def test_how_distributions_differ_stands_beside_how_far_apart_they_are(tmp_path: Path) -> None:
    def world(cell: Cell) -> Record:
        figures = {"accuracy_ndb": 90.0, "accuracy_js": 0.4, "utility_ndb": 60.0, "utility_js": 0.2}
        each = record(cell, **(figures | {"accuracy_js": 0.7} if cell.defense == "noise" else figures))
        # Not every figure of a seed is recorded everywhere: what lacks is left empty.
        lacking = {"accuracy_js", "accuracy_ndb"} if cell.budget == 1000 else {}
        return replace(each, figures={name: value for name, value in each.figures.items() if name not in lacking})

    write_page(Evidence(CELLS, [world(cell) for cell in CELLS]), UNMEASURED, tmp_path / "PAGE.md")
    text = (tmp_path / "PAGE.md").read_text()
    section = text[text.index("## 2.") : text.index("## 3.")]
    rows = {line.split("|")[1].strip(): line.split("|")[3:5] for line in section.splitlines() if "|" in line}
    assert [cell.split()[0] for cell in rows["100,000"]] == ["90.1", "0.500"]
    assert [cell.split()[0] for cell in rows["the target itself"]] == ["60.1", "0.300"]
    assert [cell.strip() for cell in rows["1,000"]] == ["", ""]
    section = text[text.index("## 4.") : text.index("## 5.")]
    last = {line.split("|")[1].strip(): line.split("|")[-2].split()[0] for line in section.splitlines() if "|" in line}
    assert (last["undefended"], last["`noise`"], last["`jpeg`"]) == ("0.500", "0.800", "0.500")


def test_a_second_space_answers_for_itself(tmp_path: Path) -> None:
    """Here every finding holds; there queries gain nothing, and `adversarial` draws the copy nearer."""
    evidence = Evidence(CELLS, [falling(cell) for cell in CELLS])

    def there(cell: Cell) -> Record:
        nearer = 1.5 * (cell.defense == "adversarial")
        fidelity = 2 + 0.01 * (-1) ** (cell.seed + cell.budget // 1000)
        figures = {"fidelity_fd": fidelity, "accuracy_fd": 5 - nearer + 0.01 * cell.seed, "utility_fd": 1 + cell.seed}
        return replace(record(cell), features="pixels@16", figures=figures)

    other = Evidence(ELSEWHERE, [there(cell) for cell in ELSEWHERE])
    found = {(each.title, each.what): each for each in answers.in_both(evidence, other)}
    (queries,) = (each for each in found.values() if each.what == "1,000 to 100,000 queries")
    assert queries.here is not None
    assert queries.here.high < 0
    assert queries.there.low < 0 < queries.there.high
    assert queries.answer == "undecided"
    (deceiver,) = (each for each in found.values() if each.what == "`adversarial`")
    assert deceiver.here is not None
    assert deceiver.here.low > 0
    assert deceiver.there.high < 0
    write_page(evidence, other, tmp_path / "PAGE.md")
    text = (tmp_path / "PAGE.md").read_text()
    assert "21 of the 21 cells of `sweeps/features.yaml`" in text
    (line,) = (line for line in text.splitlines() if "1,000 to 100,000 queries" in line)
    assert line.endswith("| undecided |")


def test_a_second_space_that_is_not_measured_is_said_to_be_so(tmp_path: Path) -> None:
    write_page(Evidence(CELLS, [falling(cell) for cell in CELLS]), UNMEASURED, tmp_path / "PAGE.md")
    assert "A second space is not measured yet" in (tmp_path / "PAGE.md").read_text()


def test_records_of_two_settings_are_refused() -> None:
    records = [falling(cell) for cell in CELLS]
    with pytest.raises(UsageError, match="of 2 settings"):
        Evidence(CELLS, [*records[1:], replace(records[0], features="other")])


def test_the_command_writes_the_page_and_refuses_without_records(tmp_path: Path) -> None:
    for cell in CELLS[:5]:
        falling(cell).save(tmp_path / "records")
    command = ["findings", "--sweep", str(SWEEP), "--records", str(tmp_path / "records"), "--out"]
    done = CliRunner().invoke(cli, [*command, str(tmp_path / "PAGE.md")], catch_exceptions=False)
    assert "5 of 66 cells" in done.output
    assert "0 of 21 cells" in done.output
    assert "not measured" in (tmp_path / "PAGE.md").read_text()
    (tmp_path / "empty").mkdir()
    command[4] = str(tmp_path / "empty")
    assert "run it first" in str(CliRunner().invoke(cli, [*command, str(tmp_path / "X.md")]).exception)
    assert not (tmp_path / "X.md").exists()

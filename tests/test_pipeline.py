"""The main job on tiny images: every defense against every attack, shared work, whole records."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from stages import Stages
from tiny_network import TINY_NETWORK
from torch import Tensor

from benchmark.artifacts import Artifacts
from benchmark.clients import users_histories
from benchmark.config import Cell, Track
from benchmark.errors import DataError, PluginError, TrainingError, UsageError
from benchmark.executors import make_executor
from benchmark.files import open_array
from benchmark.gan import train
from benchmark.interfaces import Attack, Defense, ImageModel, Knowledge, Target, ThreatModel, parameter
from benchmark.keys import harness_hash
from benchmark.metrics import compare_bins, diversity, fit_bins, frechet, kid, manifold, psnr, ssim
from benchmark.oracle import Oracle
from benchmark.pipeline import NOT_DETERMINISTIC, UNEVEN, run, training_flags
from benchmark.progress import Reporter, Stage
from benchmark.record import ONE_CLIENT, Record, load_record, load_records
from benchmark.registry import load, names
from benchmark.results import Results
from benchmark.setting import load_setting
from benchmark.store import Store
from benchmark.streams import stream
from benchmark.sweep import run_cells
from benchmark.trained import Generative, Trained
from leaderboard.table import COLUMNS

SPECS = {
    "none": "none",
    "garbage": "garbage",
    "jpeg": "jpeg,quality=30",
    "noise": "noise,sigma=0.2",
    "rising-noise": "rising-noise,full=20",
    "filter": "filter,size=3",
    "adversarial": f"adversarial,surrogate={TINY_NETWORK}",
    "query-limit": "query-limit,share=0.5",
    "linear": "linear,steps=5",
    "semantic": "semantic,distance=2",
}
"""One row for every built-in defense."""

ATTACKS = {
    "fidelity": "fidelity",
    "accuracy": "accuracy",
    "through": "through",
    "purify": "purify,restorer_steps=2",
    "reweight": "reweight",
    "best-of": "best-of,members=fidelity+[accuracy,chain=5]",
    "sybil": "sybil,clients=3",
}
"""One row for every built-in attack."""


OWN = """
from benchmark.interfaces import Defense

class {name}(Defense):
    def {method}:
        {body}
"""


def do(cell: Cell, results: Path, reporter: Reporter | None = None) -> Record:
    """Run one cell by itself."""
    return run(cell, workshop(cell.track, results, reporter or Reporter()), Results(results))


def workshop(track: Track, results: Path, reporter: Reporter) -> Artifacts:
    """What the pieces of a track's cells are made by."""
    return Artifacts(load_setting(track), Store(results / "artifacts", reporter), reporter)


def test_the_table_has_a_row_for_every_plugin() -> None:
    assert set(SPECS) == {name for name in names("defense") if load("defense", name).__module__.startswith("defenses")}
    assert set(ATTACKS) == {name for name in names("attack") if load("attack", name).__module__.startswith("attacks")}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.mark.parametrize("attack", ATTACKS.values())
@pytest.mark.parametrize("defense", SPECS.values())
def test_every_defense_meets_every_attack(track: Track, shared: Path, defense: str, attack: str) -> None:
    record = do(Cell(track, defense, attack, 60, 0), shared)
    figures = ["utility_fd", "utility_precision", "utility_coverage", "fidelity_fd", "fidelity_kid", "accuracy_fd"]
    figures += ["utility_diversity", "utility_ndb", "utility_js", "accuracy_ndb", "accuracy_js"]
    assert set(figures) <= set(record.figures)
    assert record.figures["accuracy_fd"] > 0
    handed = load("defense", defense).limit(60)
    assert (record.queries_charged, record.samples) == (handed, 40)
    assert 0 < record.queries_kept <= handed
    assert (shared / "sheets" / f"{record.id}.png").stat().st_size > 1000
    assert load_record(shared / "records" / f"{record.id}.json") == record


def test_figures_have_a_column(track: Track, tmp_path: Path) -> None:
    record = do(Cell(track, "noise+query-limit,share=0.5", "fidelity", 40, 0), tmp_path)
    assert {name for name in record.figures if not name.endswith("kid_error")} <= set(COLUMNS)


def test_each_figure_is_of_the_sets_that_its_column_names(track: Track, tmp_path: Path) -> None:
    """By the metrics themselves, of the images as the protocol has them; the defense changes latents and images."""
    cell = Cell(track, "linear,steps=5+noise,sigma=0.2", "fidelity", 60, 0)
    record = do(cell, tmp_path)
    artifacts = workshop(track, tmp_path, Reporter())
    images = {
        "training": artifacts.training_images(),
        "target": artifacts.undefended(Defense(), "reference", 0, track.samples),
        "answers": artifacts.answers(cell.made_defense, "reference", 0, track.samples),
        "stolen": artifacts.theft(cell.made_attack, cell.made_defense, 0, 60).images,
    }
    features = {name: open_array(artifacts.features(each)) for name, each in images.items()}
    sides = {"utility": ("answers", "training"), "fidelity": ("stolen", "target"), "accuracy": ("stolen", "training")}
    expected: dict[str, float] = {}
    for side, (first, second) in sides.items():
        x, y = features[first], features[second]
        expected |= {f"{side}_fd": frechet(x, y)}
        if side == "utility":
            expected |= {f"{side}_{name}": value for name, value in asdict(manifold(x, y)).items()}
        else:
            distance = kid(x, y)
            expected |= {f"{side}_kid": distance.value, f"{side}_kid_error": distance.standard_error}
        if side != "fidelity":
            filled = asdict(compare_bins(x, y, fit_bins(y)))
            expected |= {f"{side}_{name}": value for name, value in filled.items()}
    # What the perturbation did: beside what the same latents give without it, which others than the target's are.
    before = artifacts.undefended(cell.made_defense, "reference", 0, track.samples).tensor
    assert not torch.equal(before, images["target"].tensor)
    answers = images["answers"].tensor
    expected |= {"utility_psnr": psnr(answers, before), "utility_ssim": ssim(answers, before)}
    expected["utility_diversity"] = diversity(answers, stream("diversity"))
    assert record.figures == pytest.approx(expected)


def test_images_that_are_not_changed_have_no_likeness(track: Track, tmp_path: Path) -> None:
    figures = do(Cell(track, "linear,steps=5", "fidelity", 60, 0), tmp_path).figures
    assert not {"utility_psnr", "utility_ssim"} & figures.keys()


def test_nobody_trains_on_what_is_measured_and_seeds_share_nothing(track: Track, tmp_path: Path) -> None:
    artifacts = workshop(track, tmp_path, Reporter())
    plain, noise = Defense(), load("defense", "noise")
    drawn = [("answers", 0), ("reference", 0), ("answers", 1), ("reference", 1)]
    for sets in (
        [artifacts.undefended(plain, *which, 40).tensor for which in drawn],
        [artifacts.answers(noise, *which, 40).tensor for which in drawn],
    ):
        rows = torch.cat(sets).flatten(1)
        assert len(rows.unique(dim=0)) == len(rows)


def test_who_asks_for_more_than_the_budget_is_told_though_a_limit_hands_over_less(track: Track, tmp_path: Path) -> None:
    record = do(Cell(track, "query-limit,share=0.3", "accuracy,counting=refined,chain=3", 80, 0), tmp_path)
    assert record.queries_charged == 72
    assert record.flags == ("another count: asked for 240 images on a budget of 80",)


def test_an_attack_that_is_taken_up_again_trains_on_what_it_makes_then(track: Track, tmp_path: Path) -> None:
    """What it makes of the answers may be rounded otherwise: the checkpoint of its training is then another one's."""
    folders = []

    def interrupted(images: Tensor, *given: object, work: Path, **options: object) -> Trained:
        folders.append(work)
        raise KeyboardInterrupt

    class Rounding(Attack):
        level = 0

        def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> Generative:
            return knowledge.train(oracle.query(oracle.remaining) // 2 + self.level, knowledge.recipe, rng)

    artifacts = Artifacts(load_setting(track), Store(tmp_path, Reporter()), Reporter(), interrupted)
    for Rounding.level in (0, 0, 1):
        with pytest.raises(KeyboardInterrupt):
            artifacts.theft(Rounding(), Defense(), 0, 40)
    assert [folders[0] == each for each in folders] == [True, True, False]


def test_same_seed_same_record(track: Track, tmp_path: Path) -> None:
    first, second = (do(Cell(track, "noise", "fidelity", 40, 3), tmp_path / name) for name in "ab")
    assert (first.id, first.figures, first.trainings[0]["seed"]) == (
        second.id,
        second.figures,
        second.trainings[0]["seed"],
    )
    other = do(Cell(track, "noise", "fidelity", 40, 4), tmp_path / "a")
    assert other.figures["accuracy_fd"] != first.figures["accuracy_fd"]


class Noting(Attack):
    """Notes what it draws from, and the real images that it is granted."""

    def __init__(self) -> None:
        self.drawn: list[int] = []
        self.real: list[Tensor] = []

    @property
    def parameters(self) -> dict[str, Any]:
        return {}

    @property
    def threat_model(self) -> ThreatModel:
        return ThreatModel(real_share=0.5)

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        answers = oracle.query(oracle.remaining)
        noted = self.drawn
        noted.append(rng.initial_seed())
        self.real.append(knowledge.real_images.clone())

        class Model:
            image_shape = oracle.image_shape

            def sample(self, n: int, rng: torch.Generator) -> Tensor:
                noted.append(rng.initial_seed())
                return answers[torch.arange(n) % len(answers)]

        return Model()


def test_an_attack_draws_anew_with_every_seed(track: Track, tmp_path: Path) -> None:
    artifacts, attack = workshop(track, tmp_path, Reporter()), Noting()
    for seed in (0, 1):
        artifacts.theft(attack, Defense(), seed, 40)
    assert len(set(attack.drawn)) == 4
    assert not torch.equal(*attack.real)


class Stubborn(Attack):
    """Trains again if a training fails."""

    @property
    def parameters(self) -> dict[str, Any]:
        return {}

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        answers = oracle.query(oracle.remaining)
        with suppress(TrainingError):
            knowledge.train(answers, knowledge.recipe, rng)
        return knowledge.train(answers, knowledge.recipe, rng)


def test_a_training_that_failed_is_told_even_if_the_next_one_did_not(track: Track, tmp_path: Path) -> None:
    tried = []

    def fails_once(*given: Any, **named: Any) -> Trained:
        tried.append(named["work"])
        if len(tried) == 1:
            raise TrainingError("the training failed twice")
        return train(*given, **named)

    artifacts = Artifacts(load_setting(track), Store(tmp_path, Reporter()), Reporter(), fails_once)
    theft = artifacts.theft(Stubborn(), Defense(), 0, 40)
    assert (theft.failures, len(theft.trainings)) == (("the training failed twice",), 1)
    assert tried[0] != tried[1]


def test_what_cells_share_is_made_once(track: Track, tmp_path: Path) -> None:
    stages, results, executor = Stages(), Results(tmp_path), make_executor("in-process")
    run_cells([Cell(track, "none", "fidelity", 40, 0)], results, executor, stages)
    alone, stages.names = stages.names, []
    run_cells([Cell(track, "noise", "fidelity", 40, 0)], results, executor, stages)
    assert "target images" in alone
    assert "target images" not in stages.names
    stages.names = []
    run_cells(
        [Cell(track, d, "fidelity", 40, 0) for d in ("none", "noise")],
        Results(tmp_path),
        make_executor("in-process"),
        stages,
    )
    assert stages.names == []


def test_what_comparisons_share_is_made_once(track: Track, tmp_path: Path) -> None:
    for defense in ("none", "noise"):
        do(Cell(track, defense, "fidelity", 40, 0), tmp_path)
    made = {kind: len(list((tmp_path / "artifacts" / kind).glob("*/manifest.json"))) for kind in SUMMARIES}
    assert made == SUMMARIES


SUMMARIES = {
    "bins": 1,  # the training set
    "neighbourhoods": 3,  # the training set, two sets of answers
    "kernel-sums": 4,  # the training set, the target, two attack models
}
"""How often two cells make what comparisons know of one set, and of which."""


def test_a_defense_whose_source_changed_is_measured_again(track: Track, tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    source = OWN.format(name="Own", method="perturb(self, x, rng)", body="return x * {}")
    ids = []
    for factor in (0.5, 0.7):
        path.write_text(source.format(factor))
        ids.append(do(Cell(track, f"{path}:Own", "fidelity", 40, 0), tmp_path).id)
    assert ids[0] != ids[1]


def test_the_first_answers_are_the_same_however_many_are_drawn(track: Track, tmp_path: Path) -> None:
    artifacts = workshop(track, tmp_path, Reporter())
    noise: Defense = load("defense", "noise")
    few = artifacts.answers(noise, "answers", 0, 703).tensor
    many = artifacts.answers(noise, "answers", 0, 1200).tensor
    assert torch.equal(few, many[:703])
    assert not torch.equal(many[:500], many[500:1000])


def test_a_limit_leaves_the_attacker_the_first_of_the_answers(track: Track, tmp_path: Path) -> None:
    record = do(Cell(track, "query-limit,share=0.55", "fidelity", 77, 0), tmp_path)
    assert (record.budget, record.queries_charged, record.queries_kept) == (77, 42, 42)
    undefended = do(Cell(track, "none", "fidelity", 42, 0), tmp_path)
    # Of so many requests the floors hardly tell.
    assert record.figures == {**undefended.figures, "utility_refused": pytest.approx(0.45, abs=0.01)}


def test_a_cap_is_for_each_client(track: Track, tmp_path: Path) -> None:
    capped = "query-limit,share=1,cap=20"
    lone = do(Cell(track, capped, "fidelity", 77, 0), tmp_path)
    three = do(Cell(track, capped, "sybil,clients=3", 77, 0), tmp_path)
    assert (lone.queries_charged, three.queries_charged) == (20, 60)
    assert (lone.knowledge, three.knowledge) == ("answers", "answers, 3 clients")
    assert three.figures["fidelity_fd"] == do(Cell(track, "none", "fidelity", 60, 0), tmp_path).figures["fidelity_fd"]
    with pytest.raises(UsageError, match="hands over 19 of 77 images, but an attack needs 20"):
        Cell(track, "query-limit,share=1,cap=19", "fidelity", 77, 0)
    Cell(track, "query-limit,share=1,cap=19", "sybil,clients=2", 77, 0)


def test_without_a_limit_clients_gain_nothing(track: Track, tmp_path: Path) -> None:
    alone, posing = (do(Cell(track, "noise", attack, 40, 0), tmp_path) for attack in ("fidelity", "sybil"))
    assert posing.figures == alone.figures
    assert "utility_refused" not in alone.figures


def test_a_limit_that_leaves_nothing_to_train_on_is_refused(track: Track) -> None:
    with pytest.raises(UsageError, match="hands over 6 of 60 images, but an attack needs 20"):
        Cell(track, "query-limit,share=0.1", "fidelity", 60, 0)


@pytest.mark.parametrize("returned", ["requested + 1", "-1", "requested / 2", "None"])
def test_a_limit_that_is_no_count_is_named(track: Track, tmp_path: Path, returned: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(OWN.format(name="Bad", method="limit(self, requested)", body=f"return {returned}"))
    with pytest.raises(PluginError, match="Bad.limit.*integer from 0 to 60"):
        Cell(track, f"{path}:Bad", "fidelity", 60, 0)


def test_a_killed_cell_resumes_to_the_same_figures(track: Track, tmp_path: Path) -> None:
    long = replace(track, recipe=replace(track.recipe, steps=6))
    cell = Cell(long, "jpeg", "fidelity", 40, 0)

    class Killing(Stages):
        def open(self, name: str, total: int, done: int, unit: str, per: int) -> Stage:
            stage = super().open(name, total, done, unit, per)
            if name == "training":
                stage.show = self.kill_at_4(stage)  # type: ignore[method-assign]
            return stage

        def kill_at_4(self, stage: Stage) -> object:
            def show(detail: str) -> None:
                if stage.done == 4:
                    raise KeyboardInterrupt

            return show

    with pytest.raises(KeyboardInterrupt):
        do(cell, tmp_path / "killed", Killing())
    assert not list((tmp_path / "killed").glob("records/*"))
    resumed = do(cell, tmp_path / "killed")
    undisturbed = do(cell, tmp_path / "undisturbed")
    assert resumed.figures == undisturbed.figures


BAD = {
    "nan": ("return x * float('nan')", "not finite"),
    "shape": ("return x[:, :, 1:]", "shape"),
    "dtype": ("return x.double()", "float64"),
    "nothing": ("return None", "NoneType"),
    "numpy": ("return x.numpy()", "ndarray"),
    "batch": ("return x[:1]", "shape"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_defense_that_breaks_its_contract_is_named(track: Track, tmp_path: Path, name: str) -> None:
    body, says = BAD[name]
    path = tmp_path / "bad.py"
    path.write_text(OWN.format(name="Bad", method="perturb(self, x, rng)", body=body))
    with pytest.raises(PluginError, match=f"Bad.perturb.*{says}"):
        do(Cell(track, f"{path}:Bad", "fidelity", 40, 0), tmp_path)
    assert not list(tmp_path.glob("records/*"))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return target.prior(n + 1, rng)", "shape"),
        ("return None", "NoneType"),
        ("return target.prior(n, rng) / 0", "finite"),
        ("return target.prior(n, rng).double()", "float64"),
    ],
)
def test_bad_latents_are_named(track: Track, tmp_path: Path, body: str, says: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(OWN.format(name="Bad", method="latents(self, n, target, rng)", body=body))
    with pytest.raises(PluginError, match=f"Bad.latents.*{says}"):
        do(Cell(track, f"{path}:Bad", "fidelity", 40, 0), tmp_path)


@pytest.mark.parametrize(("stacked", "returned"), [("", "None"), ("+jpeg", "3")])
def test_a_defense_that_is_not_made_ready_is_named(track: Track, tmp_path: Path, stacked: str, returned: str) -> None:
    path = tmp_path / "bad.py"
    path.write_text(OWN.format(name="Bad", method="prepare(self, provider)", body=f"return {returned}"))
    with pytest.raises(PluginError, match=r"Bad\.prepare returned .*must return a defense"):
        do(Cell(track, f"{path}:Bad{stacked}", "fidelity", 40, 0), tmp_path)


def test_a_target_of_another_size_is_refused(track: Track, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\(1, 16, 16\)"):
        do(Cell(replace(track, size=32), "none", "fidelity", 40, 0), tmp_path)


def test_too_few_images_to_compare_is_an_error(track: Track, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="compares 100 images, but .* has 80"):
        do(Cell(replace(track, samples=100), "none", "fidelity", 40, 0), tmp_path)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"schema": 99}', '{"schema": 2}'])
def test_a_damaged_record_is_an_error_that_names_it(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(damage)
    with pytest.raises(DataError, match="r.json"):
        load_record(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("figures", {"accuracy_fd": "low"}),
        ("figures", {"accuracy_fd": math.nan}),
        ("figures", {"accuracy_fd": None}),
        ("figures", {"accuracy_fd": 10**400}),
        ("versions", {}),
        ("versions", {"gan-extraction-bench": 1}),
        ("created", None),
        ("budget", "40"),
        ("budget", 10**400),
        ("quick", 0),
        ("flags", "diverged"),
        ("trainings", [1]),
        ("strength", "weak"),
        ("setting", []),
        ("metrics", {"apart": {}}),
    ],
)
def test_a_record_with_a_value_that_is_none_is_not_whole(
    track: Track, shared: Path, tmp_path: Path, key: str, value: object
) -> None:
    name, path = do(Cell(track, "none", "fidelity", 60, 0), shared).id, tmp_path / "r.json"
    content = json.loads((shared / "records" / f"{name}.json").read_text())
    path.write_text(json.dumps(content | {key: value}))
    with pytest.raises(DataError, match=rf"r\.json is not a whole record: .*{key.rstrip('s')}.*; remove it and run"):
        load_record(path)


def test_a_record_under_another_name_is_refused(track: Track, shared: Path, tmp_path: Path) -> None:
    name, path = do(Cell(track, "none", "fidelity", 60, 0), shared).id, tmp_path / "r.json"
    path.write_text((shared / "records" / f"{name}.json").read_text())
    with pytest.raises(
        DataError, match=f"r.json is the record {name}, which must stand in a file of that name; rename it"
    ):
        load_record(path)


def test_records_hold_what_makes_them_trustworthy(track: Track, tmp_path: Path) -> None:
    record = do(Cell(track, "jpeg", "fidelity", 40, 0), tmp_path)
    assert record.strength == 50
    assert record.knowledge == "answers"
    assert len(record.features_hash) == 64
    assert record.versions["torch"] == version("torch")
    assert record.peak_memory > 10_000_000
    assert record.threads == torch.get_num_threads()
    assert record.code == harness_hash()
    training = record.trainings[0]
    assert [point["step"] for point in training["history"]] == [1, 2]
    assert record.diagnostics == {}
    assert load_records(tmp_path / "records", pytest.fail) == [record]
    assert record.setting["samples"] == 40
    assert str(tmp_path) not in json.dumps(record.setting)


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A trace that the harness leaves, with images drawn in twos: seeds of the streams that users' answers are from."""
    for module in ("artifacts", "pipeline"):
        monkeypatch.setattr(f"benchmark.{module}.DRAW", 2)
    return [stream("reference", 0, "perturb", batch).initial_seed() for batch in range(20)]


def test_a_defense_that_tells_attackers_from_users_is_flagged(track: Track, tmp_path: Path, users: list[int]) -> None:
    path = tmp_path / "two_faced.py"
    body = f"return x * (rng.initial_seed() in {users})"
    path.write_text(OWN.format(name="TwoFaced", method="perturb(self, x, rng)", body=body))
    record = do(Cell(track, f"{path}:TwoFaced", "fidelity", 80, 0), tmp_path)
    assert record.figures["utility_ssim"] == pytest.approx(1)
    assert UNEVEN in record.flags
    noises, skewed = ("noise", "rising-noise,full=40", "garbage"), ("linear,steps=5", "semantic,distance=2")
    for even in (*noises, *skewed, "none", "query-limit,share=0.5"):
        assert UNEVEN not in do(Cell(track, even, "fidelity", 80, 0), tmp_path).flags


@pytest.mark.usefixtures("users")
def test_what_attackers_get_is_taken_evenly_from_all_that_is_drawn_for_them(track: Track, tmp_path: Path) -> None:
    artifacts, fidelity = workshop(track, tmp_path, Reporter()), load("attack", "fidelity")
    drawn = artifacts.answers(Defense(), "answers", 0, 80).tensor.unflatten(0, (40, 2))
    given = artifacts.attackers_answers(fidelity, Defense(), 0, 80).tensor.unflatten(0, (20, 2))
    assert torch.equal(given, drawn[::2])


COUNTING = """
from dataclasses import dataclass, replace

from benchmark.interfaces import Defense, parameter

@dataclass(frozen=True)
class Counting(Defense):
    seen: int = parameter(0, "images that the client has")

    def perturb(self, x, rng):
        return (x * {image} + {told} * self.seen / 255).clamp(0, 1)

    def toward(self, handed):
        return replace(self, seen=handed)
"""
"""Its answers show the image, what the client was handed before, or both."""


def counting(path: Path, image: int, told: int) -> Defense:
    """A :data:`COUNTING` defense."""
    path.write_text(COUNTING.format(image=image, told=told))
    defense: Defense = load("defense", f"{path}:Counting")
    return defense


class Replaying(Attack):
    """Hands over what it was handed."""

    def __init__(self, clients: int) -> None:
        self.clients = clients

    @property
    def parameters(self) -> dict[str, Any]:
        return {"clients": self.clients}

    @property
    def threat_model(self) -> ThreatModel:
        return ThreatModel(clients=self.clients)

    def fit(self, oracle: Oracle, knowledge: Knowledge, rng: torch.Generator) -> ImageModel:
        answers = torch.cat([oracle.query(n, client) for client, n in reversed([*enumerate(oracle.left)])])

        class Model:
            image_shape = oracle.image_shape

            def sample(self, n: int, rng: torch.Generator) -> Tensor:
                return answers[:n]

        return Model()


@pytest.mark.parametrize("budgets", [(40,), (14, 13, 13)])
def test_a_client_is_answered_by_what_it_was_handed(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budgets: tuple[int, ...]
) -> None:
    monkeypatch.setattr("benchmark.artifacts.DRAW", 4)
    clients = len(budgets)
    artifacts, defense = workshop(track, tmp_path, Reporter()), counting(tmp_path / "counting.py", 0, 1)
    images = artifacts.theft(Replaying(clients), defense, 0, 40).images.tensor
    # The last client first; each is told of its own images, in batches that begin with its first.
    assert images[:, 0, 0, 0].tolist() == [n // 4 * 4 for budget in reversed(budgets) for n in range(budget)]
    users = artifacts.answers(defense, "reference", 0, 40).tensor
    told = users_histories(defense, 10, 4, stream("users", 0))
    assert users[::4, 0, 0, 0].tolist() == [min(255, handed) for handed in told]
    # What attackers would get who ask as users do.
    assert torch.equal(artifacts.attackers_answers(Replaying(clients), defense, 0, 40).tensor, users)


def test_clients_of_one_history_are_handed_different_images(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.artifacts.DRAW", 4)
    artifacts, defense = workshop(track, tmp_path, Reporter()), counting(tmp_path / "counting.py", 1, 0)
    images = artifacts.theft(Replaying(3), defense, 0, 40).images.tensor
    assert len(images.flatten(1).unique(dim=0)) == 40


def test_answers_are_stored_under_the_histories_that_they_were_given_for(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.artifacts.DRAW", 4)
    artifacts, defense = workshop(track, tmp_path, Reporter()), counting(tmp_path / "counting.py", 0, 1)
    first, second = (artifacts.answers(defense, "answers", 0, 8, told).tensor for told in ([0, 4], [4, 0]))
    assert torch.equal(first, second.roll(4, dims=0))
    assert not torch.equal(first, second)


def test_latents_may_depend_on_what_a_client_was_handed(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.artifacts.DRAW", 4)

    @dataclass(frozen=True)
    class Shifted(Defense):
        seen: int = parameter(0, "images that the client has")

        def toward(self, handed: int) -> Defense:
            return replace(self, seen=handed)

        def latents(self, n: int, target: Target, rng: torch.Generator) -> Tensor:
            return target.prior(n, rng) * 0 + self.seen / 100

    artifacts = workshop(track, tmp_path, Reporter())
    early, late = (artifacts.undefended(Shifted(), "answers", 0, 4, [handed]).tensor for handed in (0, 400))
    target = artifacts.setting.target
    for images, seen in ((early, 0), (late, 400)):
        at = torch.full((4, target.latent_dim), seen / 100)
        assert torch.equal(images, target.generate(at))
    assert not torch.equal(early, late)


@pytest.mark.parametrize(
    ("defense", "attack", "flagged"),
    [
        ("rising-noise", "fidelity", True),
        ("rising-noise", "sybil,clients=3", False),
        ("noise", "fidelity", False),
        ("query-limit,share=0.5", "fidelity", False),
    ],
)
def test_a_single_client_against_who_goes_by_clients_is_flagged(
    track: Track, shared: Path, defense: str, attack: str, flagged: bool
) -> None:
    assert (ONE_CLIENT in do(Cell(track, defense, attack, 60, 0), shared).flags) == flagged


def test_what_a_client_was_handed_is_no_pretext_to_tell_attackers(
    track: Track, tmp_path: Path, users: list[int]
) -> None:
    path = tmp_path / "counting.py"
    told = users_histories(Defense(), 20, 2, stream("users", 0))
    flags = []
    # It may know every trace of the draw that its utility is measured on: what else it is asked is not told apart.
    for image in (1, f"((rng.initial_seed(), self.seen) in {[*zip(users, told, strict=True)]})"):
        path.write_text(COUNTING.format(image=image, told=0))
        flags.append(do(Cell(track, f"{path}:Counting", "fidelity", 80, 0), tmp_path).flags)
    assert [UNEVEN in each for each in flags] == [False, True]


def test_a_defense_that_does_not_repeat_itself_is_flagged(track: Track, tmp_path: Path) -> None:
    path = tmp_path / "moody.py"
    body = "import torch; return (x + 0.3 * torch.rand(())).clamp(0, 1)"
    path.write_text(OWN.format(name="Moody", method="perturb(self, x, rng)", body=body))
    assert NOT_DETERMINISTIC in do(Cell(track, f"{path}:Moody", "fidelity", 40, 0), tmp_path).flags
    body = "import torch; return target.prior(n, rng) + torch.rand(())"
    path.write_text(OWN.format(name="Moody", method="latents(self, n, target, rng)", body=body))
    assert NOT_DETERMINISTIC in do(Cell(track, f"{path}:Moody", "fidelity", 40, 0), tmp_path).flags
    for steady in ("noise", "rising-noise,full=40", "linear,steps=5", "semantic,distance=2", "linear,steps=5+noise"):
        assert NOT_DETERMINISTIC not in do(Cell(track, steady, "fidelity", 40, 0), tmp_path).flags


def test_what_went_wrong_in_one_of_several_trainings_is_not_said_of_the_attack_model() -> None:
    fine, restarted, bad = (
        {"restarts": n, "failure": text} for n, text in ((0, ""), (1, ""), (1, "diverged at step 3"))
    )
    assert training_flags([restarted]) == ["restarted with a new seed"]
    assert training_flags([bad]) == ["restarted with a new seed", "diverged at step 3"]
    assert training_flags([fine, fine]) == []
    assert training_flags([fine, restarted]) == ["one of 2 trainings: restarted with a new seed"]
    rounded = fine | {"together": {"precision": "bfloat16"}}
    assert training_flags([rounded]) == ["trained in bfloat16"]
    assert training_flags([fine | {"together": {"precision": "float32"}}]) == []
    assert training_flags([fine], ["the training failed twice"]) == ["one of 2 trainings: the training failed twice"]

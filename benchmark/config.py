"""A run as a frozen, validated value: the track it belongs to, and the one cell of the board that it fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml

from benchmark.budget import MIN_BUDGET
from benchmark.clients import handed
from benchmark.errors import PluginError, UsageError, one_line, unknown
from benchmark.interfaces import Attack, Defense, ImageShape
from benchmark.metric import Metric, check_declared
from benchmark.recipe import Recipe
from benchmark.registry import canonical, load


@dataclass(frozen=True)
class Track:
    """One fixed setting in which rows compare. Read from ``benchmark/tracks/<name>.yaml`` or a file of one's own."""

    name: str
    data: str
    """Spec of the data set (``benchmark.data``); its training split is the target's training set."""
    channels: int
    size: int
    """Side of the images, in pixels."""
    target: str
    """A shipped target, a folder that ``train-target`` wrote, or the spec of one's own (``benchmark.targets.own``)."""
    features: str
    """Spec of the feature extractor."""
    samples: int
    """Images on each side of every comparison."""
    recipe: Recipe
    """How attack models are trained unless the attack says otherwise."""
    target_recipe: Recipe
    """How ``train-target`` trains the target."""
    quick: bool = False
    """Whether this is the cut-down form, whose records never enter a board."""
    max_budget: int = 10**8
    """The largest query budget."""

    def __post_init__(self) -> None:
        for name in ("name", "data", "target", "features"):
            if not isinstance(getattr(self, name), str):
                raise UsageError(f"track {self.name}: {name} is {getattr(self, name)!r}, but must be a text")
        for name, low in (("channels", 1), ("size", MIN_SIDE), ("samples", 10), ("max_budget", MIN_BUDGET)):
            value = getattr(self, name)
            if type(value) is not int or value < low:  # YAML's true is an int to isinstance
                raise UsageError(f"track {self.name}: {name} is {value!r}, but must be an integer of at least {low}")

    @property
    def summary(self) -> str:
        """The track in one line."""
        return (
            f"{self.data} at {self.size}x{self.size}, target {self.target}, "
            f"{self.samples:,} images a side, features {self.features}"
        )

    @property
    def image_shape(self) -> ImageShape:
        """(C, H, W)."""
        return self.channels, self.size, self.size


def track_names() -> list[str]:
    """The tracks that come with the harness."""
    return sorted(path.name.removesuffix(".yaml") for path in _tracks().iterdir() if path.name.endswith(".yaml"))


def load_track(name: str, *, quick: bool = False) -> Track:
    """A track by name, or from a YAML file.

    Args:
        name: one of :func:`track_names`, or a path that ends in ``.yaml``.
        quick: its cut-down form, which the section ``quick`` of the file describes.

    Raises:
        UsageError: there is no such track, or its file has an unknown key, lacks one, or has a value that is refused.
    """
    if name.endswith(".yaml"):
        if not Path(name).is_file():
            raise UsageError(
                f"there is no track file {name}; give the path of one, or one of {', '.join(track_names())}"
            )
        path: Traversable = Path(name)
    elif name in track_names():
        path = _tracks() / f"{name}.yaml"
    else:
        raise unknown("track", name, track_names())
    content = read_mapping(path, [*(f.name for f in fields(Track)), "quick"])
    cut_down = content.pop("quick", {})
    track = _track(name, content)
    small = _cut_down(track, cut_down)
    return small if quick else track


def read_mapping(path: Traversable, keys: Sequence[str]) -> dict[str, Any]:
    """A YAML file that holds a mapping with some of the keys.

    Raises:
        UsageError: it is not UTF-8, not YAML, not a mapping, or has another key.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid YAML: {one_line(error)}") from None
    check_keys(str(path), content, keys)
    return dict(content)


def check_keys(where: str, given: object, known: Sequence[str]) -> None:
    """Refuse what is not a mapping with some of the keys.

    Raises:
        UsageError: it is not; the text names ``where`` it stands.
    """
    if not isinstance(given, dict):
        raise UsageError(f"{where} must be a mapping with some of the keys {', '.join(known)}")
    for key in given:
        if key not in known:
            raise unknown(f"key of {where}", str(key), known)


def _track(name: str, content: dict[str, Any]) -> Track:
    for key in ("recipe", "target_recipe"):
        content[key] = _recipe(f"track {name}, section {key}", content.get(key, {}), Recipe())
    try:
        return Track(**content)
    except TypeError as error:
        raise UsageError(f"track {name}: {error}") from None


def _cut_down(track: Track, changes: dict[str, Any]) -> Track:
    where = f"track {track.name}, section quick"
    check_keys(where, changes, ["samples", "max_budget", "recipe"])
    recipe = _recipe(f"{where}, recipe", changes.pop("recipe", {}), track.recipe)
    return replace(track, recipe=recipe, quick=True, **changes)


def _recipe(where: str, changes: dict[str, Any], base: Recipe) -> Recipe:
    check_keys(where, changes, [f.name for f in fields(Recipe)])
    try:
        return replace(base, **changes)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _tracks() -> Traversable:
    return files("benchmark.tracks")


@dataclass(frozen=True)
class Cell:
    """One cell of a board.

    Raises:
        UsageError: budget or seed are out of range, or there is no such plugin, or it refuses its parameters, or the
            defense leaves too little of the budget.
        PluginError: a plugin cannot be imported, or is of another kind, or breaks its contract.
    """

    track: Track
    defense: str
    """Spec of the defense (``benchmark.registry``), in its one spelling however it was given."""
    attack: str
    """Spec of the attack, likewise."""
    budget: int
    """Images that the attacker asks for, all of which he is handed unless the defense limits them."""
    seed: int
    isolated: bool = False
    """Whether defense and attack run in processes of their own (``benchmark.isolation``)."""
    metrics: tuple[str, ...] = ()
    """Specs of metrics of one's own (``benchmark.metric``), likewise; in order, each once."""

    def __post_init__(self) -> None:
        if not MIN_BUDGET <= self.budget <= self.track.max_budget:
            raise UsageError(
                f"the budget is {self.budget}, but on track {self.track.name}{' (quick)' if self.track.quick else ''} "
                f"it must lie between {MIN_BUDGET} and {self.track.max_budget}"
            )
        check_seed(self.seed)
        # Made now, so that a typing error in the last of many cells is known before the first is run.
        try:
            self._settle()
        except SystemExit as error:
            # It would end the program, as if all were well.
            raise PluginError(
                f"{self.defense} or {self.attack} raised SystemExit: {error}; raise an error that says what is wrong"
            ) from error
        # Many cells may be made before the first is run.
        self.end()

    def _settle(self) -> None:
        """Make what the specs describe, and bring these into their one spelling."""
        object.__setattr__(self, "defense", canonical(self.defense, self.made_defense))
        object.__setattr__(self, "attack", canonical(self.attack, self.made_attack))
        self._settle_metrics()
        granted = sum(handed(self.made_defense, self.asked, self.made_attack.threat_model.clients))
        if granted < MIN_BUDGET:
            raise UsageError(
                f"{self.defense} hands over {granted} of {self.asked} images, but an attack needs {MIN_BUDGET}; "
                "raise the budget or weaken the defense"
            )

    def _settle_metrics(self) -> None:
        """Bring the specs of the metrics into their one spelling and order, whatever they were given in.

        Raises:
            UsageError: two of them have one name, or the cell is isolated.
        """
        if self.isolated and self.metrics:
            raise UsageError(
                "metrics of one's own are not taken with --isolated, which keeps foreign code away from all figures; "
                "leave out --metric"
            )
        specs: dict[str, str] = {}
        for given in self.metrics:
            metric: Metric = load("metric", given)
            check_declared(metric)
            spec = canonical(given, metric)
            if specs.setdefault(metric.name, spec) != spec:
                raise UsageError(
                    f"{specs[metric.name]} and {spec} are both called {metric.name}; leave one out, or make its name a "
                    "property that tells them apart"
                )
        object.__setattr__(self, "metrics", tuple(specs[name] for name in sorted(specs)))

    def __reduce__(self) -> tuple[type[Cell], tuple[Track, str, str, int, int, bool, tuple[str, ...]]]:
        """Sent to another process as what it was made from: a plugin of one's own may not be importable by name."""
        return Cell, (self.track, self.defense, self.attack, self.budget, self.seed, self.isolated, self.metrics)

    @property
    def title(self) -> str:
        """The cell in a few words."""
        own = f", with {' and '.join(self.metrics)}" if self.metrics else ""
        return titled(self.track, self.defense, self.attack, self.budget, self.seed) + own

    @cached_property
    def made_defense(self) -> Defense:
        """The defense that its spec describes."""
        defense: Defense = self._made("defense", self.defense)
        return defense

    @cached_property
    def made_attack(self) -> Attack:
        """The attack that its spec describes."""
        attack: Attack = self._made("attack", self.attack)
        return attack

    @cached_property
    def asked(self) -> int:
        """Images that the attack asks for; what is isolated is asked when the cell is made, and not again."""
        return self.made_attack.queries(self.budget)

    @cached_property
    def made_metrics(self) -> tuple[Metric, ...]:
        """The metrics that their specs describe, in the same order."""
        return tuple(load("metric", spec) for spec in self.metrics)

    def _made(self, kind: str, spec: str) -> Any:
        if not self.isolated:
            return load(kind, spec)
        # Only for who asks for it: most do not.
        from benchmark.isolation.plugins import load_isolated

        return load_isolated(kind, spec)

    def end(self) -> None:
        """Let defense and attack let go of what they hold outside of this process."""
        self.made_defense.end()
        self.made_attack.end()


def titled(track: Track, defense: str, attack: str, budget: int, seed: int) -> str:
    """A cell in a few words, whether it can be made or not."""
    return f"{track.name}: {defense} against {attack}, {budget:,} queries, seed {seed}"


def check_seed(seed: object) -> None:
    """Refuse what is not a seed.

    Raises:
        UsageError: it is not an integer between 0 and 2**31 - 1.
    """
    if type(seed) is not int or not 0 <= seed < 2**31:
        raise UsageError(f"the seed is {seed!r}, but must be an integer between 0 and {2**31 - 1}")


MIN_SIDE = 16
"""The least side of a track's images, in pixels: SSIM needs 11, networks a power of two times four."""

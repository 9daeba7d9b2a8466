"""One result, immutable, as JSON: what was asked, what came out, and everything needed to trust it."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from benchmark.errors import DataError
from benchmark.files import write_text

SCHEMA = 4
"""Version of the form of a record."""

ANOTHER_COUNT = "another count"
"""How the flag of an attack begins that asks for more images than the budget, as some papers count."""

ONE_CLIENT = "the defense treats clients by what they were handed, and the attacker is one client"
"""Flag of an attack that does not do what such a defense is weakest against."""

PACKAGES = (
    "gan-extraction-bench",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-learn",
    "opencv-python-headless",
    "timm",
)
"""Packages whose versions a record states, beside Python's."""


@dataclass(frozen=True)
class Record:
    """One cell's result. A figure that does not exist is absent from ``figures``; it is never 0."""

    id: str
    """Hash of the cell and of every source that determines it: the name of its file."""
    track: str
    setting: Mapping[str, Any]
    """The whole track: its values, and the hashes of its data, of its target and of its features."""
    target: str
    defense: str
    """Spec of the defense, in its one spelling."""
    defense_parameters: Mapping[str, Any]
    """By name; those of a stack as "Class.parameter"."""
    strength: float | None
    """Value of the parameter that is the defense's strength (of a stack: its last member's); none if it has none."""
    attack: str
    attack_parameters: Mapping[str, Any]
    knowledge: str
    """What the attacker knew."""
    budget: int
    seed: int
    quick: bool
    """A quick record is for trying things out; it never enters a board."""
    figures: Mapping[str, float]
    """Every figure, by the name of its column."""
    queries_charged: int
    queries_kept: int
    samples: int
    """Images on each side of every comparison."""
    features: str
    """Name of the feature extractor."""
    features_hash: str
    """SHA-256 of its weights."""
    trainings: tuple[Mapping[str, Any], ...]
    """One per GAN the attacker trained: recipe, seed, restarts, and every scored checkpoint (step, seconds of training,
    losses, FD to held-out answers)."""
    diagnostics: Mapping[str, float]
    """What the attack reported of itself, by name: how well its discriminator was calibrated, how much it accepted."""
    flags: tuple[str, ...]
    """What a reader must know before trusting the row ("restarted with a new seed", "diverged by step 300")."""
    attack_seconds: float
    """Seconds that the attack took when it was made."""
    seconds: float
    """Seconds that this run of the cell took; what came from the store costs next to nothing."""
    peak_memory: int
    """Peak resident memory of the process so far, in bytes."""
    device: str
    threads: int
    """Of the process that did the cell: to the last digit, figures depend on it. 0 where nobody noted it."""
    versions: Mapping[str, str]
    code: str
    """Hash of the harness's own sources that determine a result (:func:`benchmark.keys.harness_hash`)."""
    created: str
    """UTC, ISO 8601."""
    strength_name: str = ""
    """The parameter that ``strength`` is the value of; empty if there is none."""
    isolated: bool = False
    """Whether defense and attack ran in processes of their own."""
    floors: Mapping[str, float] = field(default_factory=dict)
    """Distances of two samples of one distribution at the track's counts, as the target's card has them: ``target`` and
    ``training_set``; what no card tells is absent."""
    metrics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of the metrics of one's own whose figures are among those above, by name: ``spec``, which way it is ``better``
    (lower or higher), and a ``hash`` of its class, parameters, source and ``content`` and of the harness's metrics.
    Absent from the file if there are none."""
    schema: int = SCHEMA

    def save(self, folder: Path) -> Path:
        """Write ``<folder>/<id>.json``, whole or not at all; returns the path."""
        path = folder / f"{self.id}.json"
        content = asdict(self)
        if not self.metrics:
            del content["metrics"]
        write_text(path, json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")
        return path


KINDS = get_type_hints(Record)
"""The type of each field."""


def load_record(path: Path) -> Record:
    """The record in a file.

    Raises:
        DataError: the file is not a whole record of this version; the text names it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("schema") != SCHEMA:
            raise DataError(
                f"{path} is a record of schema {content.get('schema')}, but this version reads {SCHEMA}; remove it and "
                "run its cell again"
            )
        content.setdefault("metrics", {})
        if problem := _amiss(content):
            raise DataError(f"{path} is not a whole record: {problem}; remove it and run its cell again")
        # What Python reads but nobody could write again: numbers that are none, half a character.
        json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
        content["trainings"], content["flags"] = tuple(content["trainings"]), tuple(content["flags"])
        record = Record(**content)
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise DataError(f"{path} is not a readable record ({error}); remove it and run its cell again") from None
    if record.id != path.stem:
        raise DataError(f"{path} is the record {record.id[:60]}, which must stand in a file of that name; rename it")
    return record


def _amiss(content: Mapping[str, Any]) -> str:
    """What of a record whoever reads records could not make use of; nothing if it is whole."""
    if others := sorted(content.keys() ^ KINDS.keys()):
        return f"its keys {others} are missing or unknown"
    for name, kind in KINDS.items():
        if not is_of(kind, content[name]):
            return f"its {name} is {str(content[name])[:60]!r}"
    if PACKAGES[0] not in content["versions"]:
        return f"its versions lack {PACKAGES[0]}"
    for name, told in content["metrics"].items():
        if set(told) != {"spec", "better", "hash"} or told["better"] not in ("lower", "higher"):
            return f"its entry for the metric {name} is malformed"
    return ""


def is_of(kind: Any, value: object) -> bool:
    """Whether a value of JSON is of a type, as fields declare it; a number that no float can hold is of none."""
    made, of = get_origin(kind), get_args(kind)
    if made is Mapping:
        return isinstance(value, dict) and all(is_of(of[1], each) for each in value.values())
    if made is tuple:
        return isinstance(value, list) and all(is_of(of[0], each) for each in value)
    if made is UnionType:
        return any(is_of(each, value) for each in of)
    if kind in (int, float):
        return type(value) in {int, kind} and _is_finite(value)
    return kind is Any or type(value) is kind


def _is_finite(value: Any) -> bool:
    """Whether it is a number that a float can hold."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def load_records(folder: Path, damaged: Callable[[str], None]) -> list[Record]:
    """All whole records of a folder, in the order of their file names.

    Args:
        folder: need not exist.
        damaged: told of each that is not whole; the others are not lost for it.
    """
    records = []
    for path in sorted(folder.glob("*.json")):
        try:
            records.append(load_record(path))
        except DataError as error:
            damaged(str(error))
    return records


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def peak_memory() -> int:
    """Peak resident memory of this process so far, in bytes.

    As the kernel counts it since the program was started: what ``getrusage`` says holds the peak of whoever started it.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def device() -> str:
    """The device that networks ran on, in words."""
    # Brings torch along, which whoever only reads records should not wait for.
    import torch

    from benchmark.compute import compute_device

    if compute_device().type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(compute_device())}"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.machine()
    return f"cpu: {model}"

"""Records -> the board's CSV. A pure function: the same records give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from benchmark.files import write_text
from benchmark.record import Record

COLUMNS: dict[str, str] = {
    "track": "the setting within which rows compare",
    "target": "the generator that was served and stolen",
    "defense": "spec of the defense",
    "strength": "value of the parameter that is the defense's strength; empty if it has none",
    "attack": "spec of the attack",
    "knowledge": "what the attacker knew",
    "budget": "images the attacker asked for",
    "seed": "seed of the cell",
    "utility_fd": "Fréchet distance of the answers to the training set; low: useful",
    "utility_precision": "share of answers within the manifold of the training set; high: useful",
    "utility_recall": "share of the training set within the manifold of the answers; high: useful",
    "utility_density": "how densely the training set surrounds the answers; high: useful",
    "utility_coverage": "share of the training set with an answer nearby; high: useful",
    "utility_ndb": "bins of the training set (100) whose share of the answers differs significantly; low: useful",
    "utility_js": "Jensen-Shannon distance of the answers to the training set over these bins; low: useful",
    "utility_diversity": "1 - mean MS-SSIM of pairs of answers, at the scales that fit (2 at 32 pixels); high: varied",
    "utility_ssim": "mean SSIM of each answer to the image it was made from; empty if images are not perturbed",
    "utility_psnr": "mean PSNR of the same pairs, in dB",
    "utility_refused": "share of the images that ordinary users ask for and are refused; empty if nothing is limited",
    "fidelity_fd": "Fréchet distance of the attack model to the undefended target; low: well stolen",
    "accuracy_fd": "Fréchet distance of the attack model to the training set; low: well stolen",
    "fidelity_kid": "kernel distance (KID) of the attack model to the undefended target",
    "accuracy_kid": "kernel distance (KID) of the attack model to the training set",
    "accuracy_ndb": "bins of the training set (100) whose share of the attack model's images differs significantly",
    "accuracy_js": "Jensen-Shannon distance of the attack model to the training set over these bins",
    "security_gain": "rise of the strongest attacker's accuracy_fd over the undefended one",
    "utility_cost": "rise of utility_fd over the undefended one",
    "flags": "what a reader must know before trusting the row",
    "queries_charged": "images the attacker was handed; more than the budget only where flags say so",
    "queries_kept": "of these, images he did not throw away",
    "samples": "images on each side of every comparison",
    "features": "feature extractor",
    "seconds": "seconds the attack took",
    "device": "what it ran on",
    "version": "version of gan-extraction-bench",
    "record": "id of the record: records/<id>.json",
}
"""The columns of a board, in order, and what each means."""

ORDER = ["track", "target", "defense", "strength", "attack", "budget", "seed", "record"]
"""Columns that rows are sorted by."""


def table(records: Iterable[Record]) -> pd.DataFrame:
    """One row per record, with :data:`COLUMNS`; quick records are left out, a figure that does not exist is empty."""
    rows = [_row(record) for record in records if not record.quick]
    return pd.DataFrame(rows, columns=list(COLUMNS)).sort_values(ORDER, ignore_index=True)


def write_csv(records: Iterable[Record], path: Path) -> None:
    """Write the table as CSV, whole or not at all; floats to six significant digits."""
    write_text(path, table(records).to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def _row(record: Record) -> dict[str, object]:
    own = {
        "strength": record.strength,
        "flags": "; ".join(record.flags),
        "seconds": record.attack_seconds,
        "version": record.versions["gan-extraction-bench"],
        "record": record.id,
        **record.figures,
    }
    return {column: own.get(column, getattr(record, column, None)) for column in COLUMNS}

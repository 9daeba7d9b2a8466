"""Records and entries -> the board's CSV. A pure function: the same ones give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.files import write_text
from benchmark.record import Record
from leaderboard import flags
from leaderboard.cells import Cells, Place, cells, comparable, place, security_gains, utility_costs, within_budget
from leaderboard.entries import Entry
from leaderboard.own_metrics import OwnMetric, own_metrics

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
    "utility_ndb": "bins of the training set (up to 100) whose share of the answers differs significantly; low: useful",
    "utility_js": "Jensen-Shannon distance of the answers to the training set over these bins; low: useful",
    "utility_diversity": "1 - mean MS-SSIM of pairs of answers, at the scales that fit (2 at 32 pixels); high: varied",
    "utility_ssim": "mean SSIM of each answer to the image it was made from; empty if images are not perturbed",
    "utility_psnr": "mean PSNR of the same pairs, in dB",
    "utility_refused": "share of the images that ordinary users ask for and are refused; empty if nothing is limited",
    "fidelity_fd": "Fréchet distance of the attack model to the undefended target; low: well stolen",
    "accuracy_fd": "Fréchet distance of the attack model to the training set; low: well stolen",
    "fidelity_kid": "kernel distance (KID) of the attack model to the undefended target",
    "accuracy_kid": "kernel distance (KID) of the attack model to the training set",
    "accuracy_ndb": "bins of the training set (up to 100) whose share of the attack model's images differs "
    "significantly",
    "accuracy_js": "Jensen-Shannon distance of the attack model to the training set over these bins",
    "security_gain": "rise of the strongest attacker's accuracy_fd over that of the undefended target's strongest (of "
    "the attacks that the defense faced too), of the same setting, budget and seed; the same in every row of a "
    "defense, empty in one that counts queries another way",
    "utility_cost": "rise of utility_fd over the undefended one's, likewise",
    "status": "of a submitted defense: claimed, reproduced or broken; measured, by who keeps the board, if nobody did",
    "flags": "what a reader must know before trusting the row: of this record, its attacker and its defense",
    "queries_charged": "images the attacker was handed; more than the budget only where flags say so",
    "queries_kept": "of these, images he did not throw away",
    "samples": "images on each side of every comparison",
    "features": "feature extractor",
    "seconds": "seconds the attack took",
    "device": "what it ran on",
    "version": "version of gan-extraction-bench",
    "record": "id of the record: records/<id>.json",
}
"""The columns of a board, in order, and what each means. Those of metrics of one's own come after ``accuracy_js``, and
after all others :data:`OWN`, if there are any.
"""

OWN = "own_metrics"
"""The column that says what the metrics of one's own are that a row has figures of, and which way each is better."""

MEASURED = "measured"
"""The status of what nobody submitted: whoever keeps the board has measured it."""

ORDER = ["track", "target", "defense", "strength", "attack", "budget", "seed", "record"]
"""Columns that rows are sorted by."""


def table(records: Iterable[Record], entries: Iterable[Entry] = ()) -> pd.DataFrame:
    """One row per record, with :data:`COLUMNS`; quick records are left out, a figure that does not exist is empty.

    A gain or a cost is empty too where the undefended target's record of the same setting, budget and seed is missing,
    and in a row whose cell has a later record, which stands instead. Flags are the record's own, then those of its
    attacker and of its defense over all seeds (``leaderboard/flags.py``).
    """
    entered = comparable(records)
    columns = _columns(own_metrics(entered))
    board = cells(entered)
    shared = {where: _shared(board, where) for where in board.attacks}
    statuses = {(entry.track, entry.defense): entry.status for entry in entries}
    rows = [
        _row(record, board, shared[place(record)], columns)
        | {"status": statuses.get((record.track, record.defense), MEASURED)}
        for record in entered
    ]
    return pd.DataFrame(rows, columns=columns).sort_values(ORDER, ignore_index=True)


def write_csv(records: Iterable[Record], path: Path, entries: Iterable[Entry] = ()) -> None:
    """Write the table as CSV, whole or not at all; floats to six significant digits."""
    write_text(path, table(records, entries).to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def _columns(own: Sequence[OwnMetric]) -> list[str]:
    """The columns of a board with some metrics of one's own."""
    known = list(COLUMNS)
    last = known.index("accuracy_js") + 1
    return [*known[:last], *(name for metric in own for name in metric.columns), *known[last:], *([OWN] if own else [])]


@dataclass(frozen=True)
class _Shared:
    """What all rows of a defense on a budget have in common."""

    gains: Mapping[int, float]
    """Security gain by seed."""
    costs: Mapping[int, float]
    """Utility cost by seed."""
    flags: tuple[str, ...]


def _shared(board: Cells, where: Place) -> _Shared:
    return _Shared(security_gains(board, where), utility_costs(board, where), tuple(flags.of_defense(board, where)))


def _row(record: Record, board: Cells, shared: _Shared, columns: Sequence[str]) -> dict[str, object]:
    standing = board.attacks[place(record)][record.attack][record.seed]
    told: dict[str, object] = {"flags": f"a later record of this cell stands instead: {standing.id}"}
    if standing.id == record.id:
        record = standing
        found = (*record.flags, *flags.of_attacker(board, place(record), record.attack), *shared.flags)
        told = {
            "flags": "; ".join(dict.fromkeys(found)),
            "security_gain": shared.gains.get(record.seed) if within_budget(record) else None,
            "utility_cost": shared.costs.get(record.seed),
        }
    own = {
        "strength": record.strength,
        "seconds": record.attack_seconds,
        "version": record.versions["gan-extraction-bench"],
        "record": record.id,
        OWN: "; ".join(f"{each.name}: {each.spec}, {each.better} is more alike" for each in own_metrics([record])),
        **record.figures,
        **told,
    }
    return {column: own.get(column, getattr(record, column, None)) for column in columns}

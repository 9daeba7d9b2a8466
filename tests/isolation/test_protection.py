"""What a machine does not keep plugins from is all said, and nothing else."""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
import torch

from benchmark.config import Cell, Track
from benchmark.executors import ray_cluster, settle
from benchmark.executors.base import Job, Settled
from benchmark.isolation import plugins
from benchmark.isolation.namespaces import EVERYTHING, Apart
from benchmark.isolation.protection import left_open, missing_protection
from benchmark.registry import load
from benchmark.results import Results

ALWAYS = ["Unix sockets that your user may open"]

NETWORK, IPC, FILES, PROCESSES = Apart.NETWORK, Apart.IPC, Apart.FILES, Apart.PROCESSES


@pytest.mark.parametrize(
    ("landlock", "missing", "words"),
    [
        (7, Apart(0), []),
        (7, NETWORK, ["UDP"]),
        (7, FILES, ["modes"]),
        (7, PROCESSES, ["limits"]),
        (7, IPC, ["shared memory"]),
        (6, NETWORK, ["UDP"]),
        (5, PROCESSES, ["limits", "signals"]),
        (4, NETWORK | PROCESSES, ["UDP", "abstract", "limits", "signals"]),
        (3, FILES, ["modes"]),
        (3, NETWORK, ["UDP", "TCP", "abstract"]),
        (1, Apart(0), []),
        (1, FILES, ["modes", "cut files short"]),
        (1, EVERYTHING, ["UDP", "TCP", "abstract", "modes", "cut", "limits", "signals", "shared memory"]),
    ],
)
def test_each_thing_is_open_until_something_closes_it(landlock: int, missing: Apart, words: list[str]) -> None:
    found = left_open(landlock, EVERYTHING ^ missing)
    assert len(found) == len(words) + len(ALWAYS)
    assert all(word in text for word, text in zip([*words, *ALWAYS], found, strict=True))


def test_a_machine_says_it_in_one_line() -> None:
    assert missing_protection().startswith("isolation is incomplete on this machine: plugins can still ")
    assert missing_protection().isprintable()


def test_a_worker_on_a_cluster_says_it_of_its_own_machine(
    track: Track, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "load_isolated", load)
    monkeypatch.setattr(settle, "settle", lambda job, reporter: Settled(job))
    monkeypatch.setattr("benchmark.compute.limit_threads", lambda threads: None)
    monkeypatch.setattr("ray.get", lambda reference: reference)
    for isolated in (True, False):
        events: SimpleQueue[Any] = SimpleQueue()
        job = Job(Cell(track, "none", "fidelity", 40, 0, isolated), Results(tmp_path))
        ray_cluster._work([job], 0, torch.get_num_threads(), "nowhere", events)
        told = [events.get() for _ in range(events.qsize())]
        assert [event for _, _, event in told] == [("note", missing_protection())] * isolated

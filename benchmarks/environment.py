"""What figures were measured on: machine, threads, versions, the state of the code, and what else the machine did."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import torch

from benchmark.record import device, versions
from benchmarks import ROOT

PEERS = ("pytorch-fid", "torch-fidelity", "clean-fid", "prdc", "efficientnet-lite-pytorch")


def environment() -> dict[str, Any]:
    """As JSON; the same for all that is measured on one machine with one set of versions and one commit."""
    return {
        "device": device(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "commit": commit(),
        "versions": versions() | {name: _version(name) for name in PEERS},
    }


def now() -> str:
    """UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def busy(seconds: float = 3.0) -> float:
    """Cores that others keep busy, while this process and those that it started wait; as the system counts them all.

    What says so of the load of the last minutes would be the work of the section before.
    """
    percent: float = psutil.cpu_percent(seconds)
    cores: int = psutil.cpu_count()
    return round(percent / 100 * cores, 1)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def commit(folder: Path = ROOT) -> str:
    """Of the checkout at its root, with a mark if it was changed; empty outside one.

    What lies in docs/ does not count: each comparison that is done changes its page, and no figure depends on it.
    """
    try:
        known = _git(folder, "rev-parse", "--short", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)docs")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{known}-dirty" if changed else known


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()

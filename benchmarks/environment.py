"""What figures were measured on: machine, threads, versions, the state of the code, and what else the machine did."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from benchmark.record import device, versions

PEERS = ("pytorch-fid", "torch-fidelity", "clean-fid", "prdc", "efficientnet-lite-pytorch")


def environment() -> dict[str, Any]:
    """As JSON; the same for all that is measured on one machine with one set of versions and one commit."""
    return {
        "device": device(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "commit": _commit(),
        "versions": versions() | {name: _version(name) for name in PEERS},
    }


def moment() -> dict[str, Any]:
    """When, and how busy the machine was before: the load of the last minute, in processes that want a core."""
    return {"at": datetime.now(UTC).isoformat(timespec="minutes"), "load": round(os.getloadavg()[0], 1)}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """Of the checkout, with a mark if it was changed; empty outside one."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""

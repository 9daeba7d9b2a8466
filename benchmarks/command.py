"""The main job as a command: by this code, or by that of an earlier commit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ROOT

CORES = 2
"""That the command may take."""
DONE = re.compile(r"(?P<stage>.+) done in (?P<seconds>[\d.]+) s")
"""How a command, also an earlier one, says that a stage is over."""


@dataclass(frozen=True)
class Ran:
    """A command, done."""

    cores: int
    """That it was given."""
    seconds: float
    log: Sequence[tuple[float, str]]
    """Each line that it wrote on the standard error stream, and how many seconds after the start."""

    @property
    def stages(self) -> dict[str, float]:
        """Seconds of each stage, less those of the stages within it, of a command that does all in one process."""
        found: defaultdict[str, float] = defaultdict(float)
        ended: list[tuple[float, float]] = []
        for now, line in self.log:
            if match := DONE.fullmatch(line):
                seconds = float(match["seconds"])
                # What ended after this stage had begun lay within it; by the middle, since a log rounds.
                while ended and ended[-1][0] > now - seconds:
                    found[match["stage"]] -= ended.pop()[1]
                found[match["stage"]] += seconds
                ended.append((now - seconds / 2, seconds))
        return dict(found)


def command(arguments: Sequence[str], code: Path = ROOT) -> Ran:
    """What `python -m benchmark run --defense jpeg` took, on the cores that it may take.

    Args:
        arguments: beside its defense.
        code: the root of a checkout, whose code is run.

    Raises:
        RuntimeError: it failed.
    """
    environment = {**os.environ, "GAN_EXTRACTION_BENCH_DEVICE": "cpu", "PYTHONPATH": str(code)}
    all_cores = os.sched_getaffinity(0)
    cores = sorted(all_cores)[:CORES]
    # What a process may use, those that it starts may.
    os.sched_setaffinity(0, cores)
    try:
        started = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "benchmark", "run", "--defense", "jpeg", *arguments],
            cwd=code,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            log = [(time.perf_counter() - started, line.rstrip("\n")) for line in process.stderr]
        taken = time.perf_counter() - started
    finally:
        os.sched_setaffinity(0, all_cores)
    if process.returncode:
        raise RuntimeError(f"the command failed: {' '.join(line for _, line in log[-5:])}")
    return Ran(len(cores), taken, log)


def checkout(commit: str, folder: Path) -> None:
    """Lay out the tree of a commit of this repository in a folder that does not exist.

    Raises:
        RuntimeError: this is no clone, or one without that commit.
    """
    done = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"commit {commit} is needed, of a full clone: {done.stderr.decode().strip()}")
    folder.mkdir()
    subprocess.run(["tar", "--extract", "--directory", str(folder)], input=done.stdout, check=True)

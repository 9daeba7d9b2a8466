"""Where networks run: what the environment says, else a GPU if there is one."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmark.compute import VARIABLE, compute_device
from benchmark.errors import UsageError
from benchmark.record import device


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    compute_device.cache_clear()
    yield
    compute_device.cache_clear()


@pytest.mark.parametrize(("there", "used"), [(True, "cuda"), (False, "cpu")])
def test_a_gpu_is_used_if_there_is_one(monkeypatch: pytest.MonkeyPatch, there: bool, used: str) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    # The device is tried by this, which fails here where there is none.
    monkeypatch.setattr(torch, "empty", lambda *given, **named: None)
    assert compute_device().type == used


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "cpu")
    assert compute_device() == torch.device("cpu")
    assert device().startswith("cpu: ")


@pytest.mark.parametrize("name", ["gpu", "cuda:99"])
def test_what_is_no_device_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(VARIABLE, name)
    with pytest.raises(UsageError, match="give cpu, cuda or cuda:N"):
        compute_device()


THREADS = """
import cv2
import numpy  # its BLAS is loaded with it
import torch
from threadpoolctl import threadpool_info
from benchmark.compute import limit_threads

limit_threads(THREADS)
print({torch.get_num_threads(), cv2.getNumThreads(), *(pool["num_threads"] for pool in threadpool_info())})
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_a_process_computes_on_the_threads_that_it_is_given(threads: int) -> None:
    # A process of its own, which is limited for good, on a machine of more cores than that.
    command = [sys.executable, "-c", THREADS.replace("THREADS", str(threads))]
    environment = os.environ | {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"}
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert printed == f"{{{threads}}}\n"


FAULTS = """
import resource
import torch
from benchmark.compute import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        parts = [torch.ones(2**20) for _ in range(8)]
        del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

given_back = faults()
keep_freed_memory()
faults()
print(given_back, faults())
"""


HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="says nothing of other allocators")
@pytest.mark.skipif(
    HUGE_PAGES.is_file() and "[always]" in HUGE_PAGES.read_text(),
    reason=f"{HUGE_PAGES} is always: pages are of 2 MiB, so that few are asked for whatever is given back",
)
def test_freed_memory_is_used_again() -> None:
    printed = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True).stdout
    given_back, kept = map(int, printed.split())
    # 20 times 32 MiB are 163,840 pages of 4 KiB.
    assert given_back > 10_000
    assert kept < 1000

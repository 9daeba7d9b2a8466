from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from data_doubles import COUNTS, Published, Recorder, idx

from benchmark.data.fashion_mnist_sources import Idx


@pytest.fixture
def progress() -> Recorder:
    return Recorder()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, so that no test sees or changes the user's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GAN_EXTRACTION_BENCH_CACHE", str(folder))
    return folder


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the address on this machine under which its files are served."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "mirror"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def published() -> Published:
    rng = np.random.default_rng(0)
    arrays = {}
    for prefix, count in COUNTS.items():
        arrays[f"{prefix}-images-idx3-ubyte.gz"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"{prefix}-labels-idx1-ubyte.gz"] = rng.integers(0, 10, count, np.uint8)
    contents = {name: idx(array) for name, array in arrays.items()}
    files = {name: Idx(len(data), hashlib.sha256(data).hexdigest()) for name, data in contents.items()}
    return Published(arrays, contents, files)

"""A submission as it is really made and verified: checked, measured and measured again, all of it isolated."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.isolation.landlock import version
from benchmark.submission import protocol
from benchmark.submission.protocol import Protocol

OWN = """
from benchmark.interfaces import Defense


class Dim(Defense):
    def perturb(self, x, rng):
        return x / 2
"""


@pytest.mark.skipif(not version(), reason="the kernel does not offer Landlock")
def test_a_defense_of_ones_own_is_submitted_and_verified(
    call, track_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "PROTOCOL", Protocol(("fidelity",), 40, (0,), "sybil"))
    (tmp_path / "own.py").write_text(OWN)
    bundle = tmp_path / "bundle"
    shared = ["--track", track_file, "--results"]
    submitted = call("submit", f"{tmp_path / 'own.py'}:Dim", *shared, tmp_path / "made", "--out", bundle)
    assert submitted.status == 0, submitted.err
    (tmp_path / "own.py").unlink()
    verified = call("verify", bundle, *shared, tmp_path / "again")
    assert verified.status == 0, verified.err
    assert "refused" not in verified.err

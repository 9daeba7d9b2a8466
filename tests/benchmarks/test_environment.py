"""What a page of figures says of the code that they were measured with."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks.environment import busy, commit


def git(folder: Path, *arguments: str) -> str:
    """What a git command prints, in that repository, by somebody of no account here."""
    person = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *person, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with code and a page, all committed."""
    for name in ("code.py", "docs/PAGE.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("as committed\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "all")
    return tmp_path


def test_names_the_commit(clone: Path) -> None:
    assert commit(clone) == git(clone, "rev-parse", "--short", "HEAD")


def test_marks_code_that_was_changed(clone: Path) -> None:
    (clone / "code.py").write_text("changed\n")
    assert commit(clone) == git(clone, "rev-parse", "--short", "HEAD") + "-dirty"


def test_does_not_mark_for_its_own_page(clone: Path) -> None:
    """Each comparison changes it: only the first of a run would be of a clean commit."""
    (clone / "docs/PAGE.md").write_text("changed\n")
    assert commit(clone) == git(clone, "rev-parse", "--short", "HEAD")


def test_knows_none_outside_a_repository(tmp_path: Path) -> None:
    assert commit(tmp_path) == ""


def test_counts_the_cores_that_others_keep_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all that the machine has: 40 % of 4."""
    monkeypatch.setattr("psutil.cpu_percent", lambda seconds: 40.0)
    monkeypatch.setattr("psutil.cpu_count", lambda: 4)
    assert busy() == 1.6

"""Agents whose programs call tools go on in another process, and in the other way, after they were killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.middleware.refunding import savers
from tests.tools.calling import THREAD


class Killed:
    """An agent in a process of its own, which is killed as soon as it has said something, or done something."""

    def __init__(self, folder: Path, database: str) -> None:
        self.log, self.gate, self.database = folder / "log", folder / "gate", database
        os.mkfifo(self.gate)

    def start(self, way: str, answer: str) -> subprocess.Popen[str]:
        arguments = [self.database, str(self.log), str(self.gate), way, answer]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.middleware.refunding", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def says(self, way: str, answer: str) -> str:
        """What it says, before it is killed."""
        with self.start(way, answer) as process:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            process.kill()
        return line

    def kept(self) -> str:
        """All that is kept of what is under way."""
        with savers(self.database)[0](self.database) as saver:
            kept = saver.get_tuple(THREAD)
            return str(kept.pending_writes if kept else "")


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "threads.db")


def test_no_call_that_had_a_result_is_made_again_after_a_kill(tmp_path: Path, database: str) -> None:
    killed = Killed(tmp_path, database)
    assert killed.says("sync", "") == "waiting"
    assert not killed.log.exists()
    assert killed.says("sync", "approve") == "waiting"
    prices = sorted(f"price {symbol}" for symbol in "ABCD")
    assert sorted(killed.log.read_text().splitlines()) == prices
    with (
        killed.start("async", "approve") as process,
        killed.gate.open("w"),
    ):  # once it is read, the refund has been paid
        while "paid" not in killed.kept():
            pass
        process.kill()
    done = killed.log.read_text().splitlines()
    assert (sorted(done[:4]), done[4:]) == (prices, ["refund 7 8", "check"])
    with killed.start("sync", "again") as process:
        killed.gate.write_text("open")
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "The code printed: paid 8"
        process.kill()
    assert killed.log.read_text().splitlines() == [*done, "check"]

"""Counting what lies below a folder while somebody may be moving it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from langchain_codeexec.sandbox.child.folder import remove_tree
from langchain_codeexec.sandbox.child.usage import disk_within

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("size", "count", "within"), [(1 << 20, 9, True), (1 << 14, 9, False), (1 << 20, 2, False)]
)
def test_all_below_a_folder_counts(tmp_path: Path, size: int, count: int, within: bool):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_bytes(b"x" * (1 << 16))
    (tmp_path / "loop").symlink_to(tmp_path)

    assert disk_within(str(tmp_path), os.getpid(), size, count) is within


def test_a_folder_too_deep_to_be_counted_is_too_much(tmp_path: Path):
    parent = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=parent)
        child = os.open("d", os.O_RDONLY, dir_fd=parent)
        os.close(parent)
        parent = child
    os.close(parent)

    assert not disk_within(str(tmp_path), os.getpid(), 1 << 30, 1 << 20)
    remove_tree(str(tmp_path / "d"))  # too deep for pytest


def test_a_folder_that_is_moved_all_the_time_hides_little(tmp_path: Path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    hidden = tmp_path / "a" / "moved"
    hidden.mkdir()
    for number in range(50):
        (hidden / str(number)).write_bytes(b"x" * 4096)
    done = threading.Event()

    def move() -> None:
        while not done.is_set():
            hidden.rename(tmp_path / "b" / "moved")
            (tmp_path / "b" / "moved").rename(hidden)

    mover = threading.Thread(target=move)
    mover.start()
    try:
        seen = sum(not disk_within(str(tmp_path), os.getpid(), 1 << 16, 1000) for _ in range(100))
    finally:
        done.set()
        mover.join()

    assert seen > 10

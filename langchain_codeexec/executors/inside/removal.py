"""Removing what a program has left, whatever that is."""

from __future__ import annotations

import os

__all__ = ["remove_tree"]


def remove_tree(top: str) -> None:
    """Remove a folder that a program has filled, however deep it is and whatever it has locked.

    Folders are moved up before they are emptied, so that no path gets longer than the system allows.

    Raises:
        OSError: Something cannot be removed.
    """
    waiting, count = [top], 0
    emptied: list[str] = []
    while waiting:
        folder = waiting.pop()
        os.chmod(folder, 0o700)  # noqa: PTH101 -- all in this function are strings
        with os.scandir(folder) as entries:
            found = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for path, is_folder in found:
            if not is_folder:
                os.unlink(path)  # noqa: PTH108 -- as above
                continue
            os.chmod(path, 0o700)  # noqa: PTH101 -- a folder is only moved by those who may write to it
            count += 1
            moved = f"{top}/.{count}"
            while os.path.lexists(moved):
                moved += "."
            os.rename(path, moved)  # noqa: PTH104 -- as above
            waiting.append(moved)
        emptied.append(folder)
    for folder in reversed(emptied):
        os.rmdir(folder)  # noqa: PTH106 -- as above

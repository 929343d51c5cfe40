"""Taking the figures of matplotlib: shown, left open, or saved and closed; each of them once."""
# ruff: noqa: PTH105, PTH123 -- pathlib would add a fifth to the start-up time

from __future__ import annotations

import os
import sys
import weakref

TYPE_CHECKING = False  # importing typing would add as much
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

__all__ = ["Plots"]

_FRAMES = ("raw", "rgba")  # the formats in which a film is saved, frame by frame


class Plots:
    """The figures of a program.

    Args:
        new_part: Names the file for an image that is not whole yet.

    Attributes:
        notices: Whether it is the program that saves figures now.
    """

    def __init__(self, new_part: Callable[[], str]) -> None:
        self._new_part = new_part
        self._process = os.getpid()
        self._saved: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
        self._parts: list[str] = []  # of what has been saved, and may not be taken in another way
        self._taken: weakref.WeakSet[Any] = weakref.WeakSet()
        self._save: Callable[..., object] | None = None
        self.notices = True

    def callbacks(self) -> dict[str, Callable[[ModuleType], None]]:
        """What to do when a part of matplotlib is loaded."""
        return {"matplotlib.pyplot": self._take_at_show, "matplotlib.figure": self._notice_saving}

    def take(self, value: object) -> bool:
        """Whether it is a figure; one that is open will be taken at the end."""
        module = sys.modules.get("matplotlib.figure")
        if module is None or not isinstance(value, module.Figure):
            return False
        if value not in self._taken and value not in _open_figures():
            self._take(value)
        return True

    def take_rest(self) -> None:
        """Take the figures that are still open, and those that have only been saved."""
        if os.getpid() != self._process:  # a fork that gets here has only copies of them
            return
        self._take_open()
        for part in self._parts:
            _finish(part)
        self._parts.clear()

    def _take_at_show(self, pyplot: ModuleType) -> None:
        """Let `plt.show()` take the figures."""

        def show(*_args: object, **_kwargs: object) -> None:
            self._take_open()

        setattr(pyplot, "show", show)  # noqa: B010 -- a module whose names are not known here

    def _take_open(self) -> None:
        """Take every open figure and close it, so that none is taken twice."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:
            for figure in _open_figures():
                self._take(figure)
            pyplot.close("all")

    def _take(self, figure: Any) -> None:
        part = self._new_part()
        (self._save or type(figure).savefig)(figure, part, format="png")
        _finish(part)
        self._taken.add(figure)
        self._drop(figure)

    def _notice_saving(self, module: ModuleType) -> None:
        """Have a figure that is saved and then closed come back too."""
        save = self._save = module.Figure.savefig

        def savefig(figure: Any, target: Any, *args: Any, **kwargs: Any) -> None:
            save(figure, target, *args, **kwargs)
            if self.notices and figure not in self._taken and kwargs.get("format") not in _FRAMES:
                self._drop(figure)
                part = self._new_part()
                self._copy(figure, target, part)
                self._saved[figure] = part
                self._parts.append(part)

        for name in ("__module__", "__name__", "__qualname__", "__doc__"):  # which pyplot looks at
            setattr(savefig, name, getattr(save, name))
        module.Figure.savefig = savefig

    def _copy(self, figure: Any, target: Any, part: str) -> None:
        """Have the image that has been saved a second time: from the file if that is one."""
        name = os.fspath(target) if isinstance(target, str | os.PathLike) else ""
        if name.endswith(".png"):
            with open(name, "rb") as source, open(part, "wb") as file:
                file.write(source.read())
        elif self._save is not None:
            self._save(figure, part, format="png")

    def _drop(self, figure: Any) -> None:
        """Forget what has been saved of a figure."""
        part = self._saved.pop(figure, None)
        if part in self._parts:
            self._parts.remove(part)
            os.unlink(part)  # noqa: PTH108 -- as above


def _open_figures() -> list[Any]:
    """The figures that pyplot manages, in the order they were made."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return [pyplot.figure(number) for number in pyplot.get_fignums()] if pyplot is not None else []


def _finish(part: str) -> None:
    os.replace(part, part.removesuffix("part") + "png")

"""Taking what a program draws, so that it comes back without having been saved."""
# ruff: noqa: PTH105, PTH123 -- pathlib would add a fifth to the start-up time

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False  # importing typing would add as much
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["Drawings"]


class Drawings:
    """A folder of PNG images whose names sort in the order they were drawn.

    Args:
        folder: Where they are left.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._process = os.getpid()

    def callbacks(self) -> dict[str, Callable[[ModuleType], None]]:
        """What to do when a library that draws is loaded, by its name."""
        return {"matplotlib.pyplot": self._take_figures, "PIL.ImageShow": self._take_pictures}

    def take_value(self, value: object) -> None:
        """Take a value that can show itself as a PNG image, as in a notebook."""
        method = getattr(value, "_repr_png_", None)
        png = method() if callable(method) and not isinstance(value, type) else None
        if isinstance(png, bytes):
            part = self._unfinished()
            with open(part, "wb") as file:
                file.write(png)
            _finish(part)

    def take_rest(self) -> None:
        """Save the figures still open at the end; a fork that gets here has only copies of them."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None and os.getpid() == self._process:
            self._save_figures(pyplot)

    def _take_figures(self, pyplot: ModuleType) -> None:
        """Let `plt.show()` keep the figures."""

        def show(*_args: object, **_kwargs: object) -> None:
            self._save_figures(pyplot)

        setattr(pyplot, "show", show)  # noqa: B010 -- a module whose names are not known here

    def _take_pictures(self, image_show: ModuleType) -> None:
        """Let Pillow's `Image.show()` keep the picture."""

        def show(image: object, *_args: object, **_kwargs: object) -> bool:
            self.take_value(image)
            return True

        setattr(image_show, "show", show)  # noqa: B010 -- as above

    def _save_figures(self, pyplot: ModuleType) -> None:
        """Save every open figure and close it, so that none is saved twice."""
        for figure in map(pyplot.figure, pyplot.get_fignums()):
            part = self._unfinished()
            figure.savefig(part, format="png")
            _finish(part)
        pyplot.close("all")

    def _unfinished(self) -> str:
        """Where to write an image that is not whole yet."""
        return f"{self._folder}/{time.monotonic_ns():020}-{os.getpid()}.part"


def _finish(part: str) -> None:
    os.replace(part, part.removesuffix("part") + "png")

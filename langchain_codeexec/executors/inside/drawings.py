"""Taking what a program draws, so that it comes back without having been saved."""
# ruff: noqa: PTH105, PTH123 -- pathlib would add a fifth to the start-up time

from __future__ import annotations

import os
import time

from .plots import Plots
from .web_figures import WEB_FIGURES, is_web_figure, keep_as_page, png_of_web_figure

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
        self._plots = Plots(self.unfinished)

    def callbacks(self) -> dict[str, Callable[[ModuleType], None]]:
        """What to do when a library that draws is loaded, by its name."""
        shown = {name: self._take_what_is_shown(*where) for name, where in _SHOWING.items()}
        return {**shown, **self._plots.callbacks()}

    def take_value(self, value: object) -> None:
        """Take a value that a notebook would show as a picture."""
        if self._plots.take(value):
            return
        self._plots.notices = False  # what a library saves to show itself is no second picture
        png = _png(value)
        self._plots.notices = True
        if png is not None:
            self._keep(png)
        elif is_web_figure(value):
            keep_as_page(value)

    def take_rest(self) -> None:
        """Take the figures that are open at the end, and those that have only been saved."""
        self._plots.take_rest()

    def unfinished(self) -> str:
        """Where to write an image that is not whole yet."""
        return f"{self._folder}/{time.monotonic_ns():020}-{os.getpid()}.part"

    def _take_what_is_shown(self, owner: str, name: str) -> Callable[[ModuleType], None]:
        """Put our own in place of a function or a method that shows what it gets first."""

        def show(shown: object, *_args: object, **_kwargs: object) -> None:
            self.take_value(shown)

        return lambda module: setattr(getattr(module, owner) if owner else module, name, show)

    def _keep(self, png: bytes) -> None:
        part = self.unfinished()
        with open(part, "wb") as file:
            file.write(png)
        os.replace(part, part.removesuffix("part") + "png")


_SHOWING = {"PIL.ImageShow": ("", "show"), **WEB_FIGURES}
"""By the module that must be loaded: a class in there, if it is no function; the name of the function."""


def _png(value: object) -> bytes | None:
    """What a notebook would show of a value, if that is a PNG image; a value that fails at it has none."""
    if isinstance(value, type):
        return None
    try:
        if is_web_figure(value):
            return png_of_web_figure(value)
        png = value._repr_png_()  # type: ignore[attr-defined]  # IPython's protocol, which most values lack
        if png is None:  # Pillow: a mode that PNG does not have, as that of printed colours
            png = value.convert("RGB")._repr_png_()  # type: ignore[attr-defined]  # as above
    except Exception:  # noqa: BLE001 -- most values have no such method, and whatever one raises is no image
        return None
    data = png[0] if isinstance(png, tuple) else png  # some add what the picture measures
    return data if isinstance(data, bytes) else None

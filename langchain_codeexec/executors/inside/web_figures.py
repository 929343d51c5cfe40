"""Figures that a browser draws: an image where that can be had without one, else a page to be opened in one."""
# ruff: noqa: PTH110, PTH123 -- pathlib would add a fifth to the start-up time

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing would add as much
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["WEB_FIGURES", "is_web_figure", "keep_as_page", "png_of_web_figure"]

WEB_FIGURES = {
    "plotly.io._renderers": ("", "show"),
    "altair": ("TopLevelMixin", "show"),
    "altair.vegalite": ("TopLevelMixin", "display"),
}
"""By the module that must be loaded: the class and the function in there that would start a browser."""


def is_web_figure(value: object) -> bool:
    """Whether it is a figure of plotly or altair."""
    return _library(value) is not None


def png_of_web_figure(value: Any) -> bytes:
    """The figure as an image.

    That of altair would be drawn by vl-convert, which crashes for want of some hundred gigabytes of address space.

    Raises:
        Exception: Whatever the library raises where what it needs for that is not installed, or is a browser.
    """
    return bytes(value.to_image(format="png"))


def keep_as_page(value: Any) -> None:
    """Leave the figure in the working directory as a page that fetches its library, and say so."""
    name = _free_name()
    page = _PAGES[_library(value) or ""](value)
    with open(name, "w", encoding="utf-8") as file:
        file.write(page)
    print(f"{name} holds the figure, to be opened in a browser; for an image draw it with matplotlib.")  # noqa: T201 -- where whoever wrote the program will look


def _library(value: object) -> str | None:
    """Whose figure it is."""
    for library, (module, name) in _CLASSES.items():
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(value, kind):
            return library
    return None


def _free_name() -> str:
    number = 0
    while os.path.exists(f"figure_{number}.html"):
        number += 1
    return f"figure_{number}.html"


_CLASSES = {"plotly": ("plotly.basedatatypes", "BaseFigure"), "altair": ("altair", "TopLevelMixin")}
_PAGES: dict[str, Callable[[Any], str]] = {
    "plotly": lambda figure: str(figure.to_html(include_plotlyjs="cdn")),
    "altair": lambda chart: str(chart.to_html()),
}

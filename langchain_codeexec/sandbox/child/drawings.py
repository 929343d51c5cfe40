"""Taking what a program draws, so that it comes back without having been saved, each figure once.

Those of matplotlib come back when they are shown, left open, or saved and closed: as they were saved, if nothing
was drawn since. A figure that a browser draws comes back as an image where that can be had without one, else as a
page to be opened in one.
"""

from __future__ import annotations

import os
import sys
import time
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

__all__ = ["Drawings"]

# ruff: noqa: PTH105, PTH110, PTH123 -- pathlib would add a fifth to the start-up time


class Drawings:
    """A folder of PNG images whose names sort in the order they were drawn."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._plots = _Plots(self.unfinished)

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
        elif _is_web_figure(value):
            _keep_as_page(value)

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
        _finish(part)


_FRAMES = ("raw", "rgba")  # the formats in which a film is saved, frame by frame


class _Plots:
    """The figures of a program; `notices` says whether it is the program that saves figures now."""

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
        saved = None if figure.stale else self._saved.pop(figure, None)  # as its program wanted it
        part = saved or self._new_part()
        if saved:
            self._parts.remove(saved)
        else:
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
                figure.stale = False
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
    """Give an image that is whole its name."""
    os.replace(part, part.removesuffix("part") + "png")


_WEB_FIGURES = {
    "plotly.io._renderers": ("", "show"),
    "altair": ("TopLevelMixin", "show"),
    "altair.vegalite": ("TopLevelMixin", "display"),
}
"""By the module that must be loaded: the class and the function in there that would start a browser."""


def _is_web_figure(value: object) -> bool:
    """Whether it is a figure of plotly or altair."""
    return _library(value) is not None


def _png_of_web_figure(value: Any) -> bytes:
    """The figure as an image, or whatever is raised where what draws it is not installed, or is a browser.

    That of altair would be drawn by vl-convert, which crashes for want of some hundred gigabytes of address space.
    """
    return bytes(value.to_image(format="png"))


def _keep_as_page(value: Any) -> None:
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


_SHOWING = {"PIL.ImageShow": ("", "show"), **_WEB_FIGURES}
"""By the module that must be loaded: a class in there, if it is no function; the name of the function."""


def _png(value: object) -> bytes | None:
    """What a notebook would show of a value, if that is a PNG image; a value that fails at it has none."""
    if isinstance(value, type):
        return None
    try:
        if _is_web_figure(value):
            return _png_of_web_figure(value)
        png = value._repr_png_()  # type: ignore[attr-defined]  # IPython's protocol, which most values lack
        if png is None:  # Pillow: a mode that PNG does not have, as that of printed colours
            png = value.convert("RGB")._repr_png_()  # type: ignore[attr-defined]  # as above
    except Exception:  # noqa: BLE001 -- most values have no such method, and whatever one raises is no image
        return None
    data = png[0] if isinstance(png, tuple) else png  # some add what the picture measures
    return data if isinstance(data, bytes) else None

"""Calling back when the program imports certain modules."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing typing would add to the start-up time
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["after_import"]


def after_import(callbacks: dict[str, Callable[[ModuleType], None]]) -> None:
    """Call back when a module has been loaded: at once for those that have been, later for the others."""
    for name, callback in callbacks.items():
        if name in sys.modules:
            callback(sys.modules[name])
    sys.meta_path.insert(0, _AfterImport(callbacks))


class _AfterImport:
    """A finder that finds nothing itself and calls back when certain modules have been loaded."""

    def __init__(self, callbacks: dict[str, Callable[[ModuleType], None]]) -> None:
        self.callbacks = callbacks

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Let the other finders find the module, and hang the callback on its loader."""
        callback = self.callbacks.get(name)
        if callback is None:
            return None
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, specs), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_call_back(module: ModuleType) -> None:
                execute(module)
                callback(module)

            setattr(spec.loader, "exec_module", execute_and_call_back)  # noqa: B010 -- of this one instance
        return spec

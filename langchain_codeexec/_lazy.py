"""Names and modules of a package that are imported on first use (PEP 562), so that importing it costs nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

__all__ = ["ShownInNotebooks", "lazy_exports"]


def lazy_exports(
    package: str, rooms: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package.

    Args:
        package: The package's name.
        rooms: Names it exports, by the module below it that defines them.
    """
    room_of = {name: room for room, names in rooms.items() for name in names}

    def __getattr__(name: str) -> Any:  # noqa: N807 -- what PEP 562 calls it
        if name in rooms:
            return import_module(f"{package}.{name}")
        if name not in room_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{room_of[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def __dir__() -> list[str]:  # noqa: N807 -- as above
        return sorted({*vars(sys.modules[package]), *room_of, *rooms})

    return __getattr__, __dir__


class ShownInNotebooks:
    """An object that Jupyter shows as a record. The records, which know it, are imported then."""

    __slots__ = ()

    def _repr_mimebundle_(self, **_mime_types: Any) -> dict[str, str]:
        records = import_module("langchain_codeexec.records.notebook")
        bundle: dict[str, str] = records.show(self)._repr_mimebundle_()
        return bundle | {"text/plain": repr(self)}

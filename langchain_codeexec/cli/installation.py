"""Which of the optional libraries are there."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata, version
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Extra", "extras"]

Extra = dict[str, str | None]
"""Version of each library of an extra; `None` for one that is missing or too old."""

_OWN_NAME: Final = "langchain-codeexec"


def extras() -> dict[str, Extra]:
    """The extras of this package with their libraries, as its metadata declares them."""
    try:
        declared = metadata(_OWN_NAME)
    except PackageNotFoundError:
        return {}
    names = declared.get_all("Provides-Extra") or []
    requirements = declared.get_all("Requires-Dist") or []
    return {name: dict(_libraries(requirements, name)) for name in names if name != "all"}


def _libraries(requirements: list[str], extra: str) -> Iterator[tuple[str, str | None]]:
    for requirement in map(Requirement, requirements):
        is_own = re.sub(r"[-_.]+", "-", requirement.name).lower() == _OWN_NAME
        if requirement.marker is None or is_own:
            continue
        if requirement.marker.evaluate({"extra": extra}) and not requirement.marker.evaluate({"extra": ""}):
            yield requirement.name, _installed(requirement)


def _installed(requirement: Requirement) -> str | None:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return None
    return found if requirement.specifier.contains(found, prereleases=True) else None

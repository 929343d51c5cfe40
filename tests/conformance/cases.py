"""The cases as they are read from their file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_codeexec.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PLACES", "Case", "Turn", "load_cases"]

_ROOM = "tests.conformance"
_OF_A_TURN = ("request", "expect", "status", "laws")

PLACES = ("developer/2", "developer/3", "vertex/2", "vertex/3")
"""Where a case can run: a service, and a model of a generation."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request, and what is expected of its answer.

    Attributes:
        request: The body; `{"$answer": n}` in it stands for what the n-th turn was answered. A text is sent as
            it is.
        status: HTTP status expected.
        expect: Pattern of the body: of the last one of a stream, with the parts of all.
        laws: Names of laws it must keep.
    """

    request: Any
    status: int = 200
    expect: Any = None
    laws: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A conversation.

    Attributes:
        name: What it shows.
        turns: Its requests.
        places: Where it holds, of `PLACES`.
        method: What follows the model's name in the URL; empty for a GET.
        model: Another model than that of the place.
        key: Another API key; empty for none at all.
    """

    name: str
    turns: Sequence[Turn]
    places: Sequence[str] = PLACES
    method: str = "generateContent"
    model: str | None = None
    key: str | None = None


def load_cases(path: str | Path | None = None) -> list[Case]:
    """Read cases.

    Args:
        path: A file of one's own; by default those that come with the package.

    Raises:
        ConfigurationError: It cannot be read or holds no cases.
    """
    yaml = import_module("yaml")  # comes with langchain-core; has no types
    source = files(_ROOM).joinpath("cases.yaml") if path is None else Path(path)
    try:
        document = yaml.safe_load(source.read_text(encoding="utf-8"))
        return [_case(entry) for entry in document]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(f"{source} holds no cases: {error!r}") from error


def _case(entry: Mapping[str, Any]) -> Case:
    settings = {
        name: value
        for name, value in entry.items()
        if name not in ("turns", "request", "expect", "status", "laws")
    }
    turns = entry.get("turns") or [
        {name: entry[name] for name in ("request", "expect", "status", "laws") if name in entry}
    ]
    return Case(turns=tuple(Turn(**turn) for turn in turns), **settings)

"""Which declared functions a question calls for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_codeexec.emulator.rules.functions.arguments import arguments_in, stand_in, written_calls
from langchain_codeexec.emulator.rules.functions.evidence import PROPER
from langchain_codeexec.emulator.rules.functions.words import name_words, stems
from langchain_codeexec.emulator.rules.phrases import joke_line
from langchain_codeexec.emulator.rules.phrasing import phrase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from langchain_codeexec.emulator.rules.conversation import Declaration

__all__ = ["Call", "Want", "chosen", "forced", "nearest", "wanted"]

_GENERIC_STEMS = stems(
    "calculate compute find fetch search look lookup retrieve check make create generate query api"
)
_NAME_SHARE = 0.5  # a function fits when the question has this share of its name's telling words,
_DESCRIPTION_WORDS = 2  # or this many words of its description and parameters
_CLAUSE_END = phrase(r"(?<=[.?!;])\s+|,?\s+and\s+(?:then\s+|also\s+)?|,?\s+then\s+")
_ITEM = rf"{PROPER}(?:,\s*[A-Z]{{2}}\b)?"
_ITEMS = re.compile(rf"\b(in|for|at|of)\s+({_ITEM}(?:,\s*{_ITEM})*,?\s+and\s+(?:in\s+|for\s+)?{_ITEM})")
_ONE_ITEM = re.compile(_ITEM)


@dataclass(frozen=True, slots=True)
class Call:
    """A call to make."""

    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Want:
    """A function that a question is for, though it lacks arguments."""

    declaration: Declaration
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Fit:
    declaration: Declaration
    named: bool
    score: float


def chosen(text: str, declarations: Sequence[Declaration]) -> list[Call]:
    """The calls a question asks for, with all required arguments in it; empty where none fits."""
    written = [Call(one.name, args) for one in declarations for args in written_calls(text, one)]
    if written:
        return written
    single = _single(text, declarations)
    if single and any(isinstance(value, list) for value in single.args.values()):
        return [single]  # one call takes the whole enumeration
    for parts in (_expanded(text), _CLAUSE_END.split(text)):
        calls = _parallel(parts, declarations) if len(parts) > 1 else []
        if len(calls) > 1:
            return calls
    return [single] if single else []


def wanted(text: str, declarations: Sequence[Declaration]) -> Want | None:
    """The function that a question clearly means but gives too little for."""
    for fit in _fits(text, declarations):
        missing = arguments_in(text, fit.declaration).missing
        if missing and (fit.named or _name_share(text, fit.declaration) >= 1):
            return Want(fit.declaration, missing)
    return None


def forced(text: str, declarations: Sequence[Declaration]) -> list[Call]:
    """Calls where one has to be made: what the question asks for, else its nearest function, filled up."""
    if calls := chosen(text, declarations):
        return calls
    declaration = nearest(text, declarations)
    values = arguments_in(text, declaration, whole_text=False).values
    for name in declaration.required:
        values.setdefault(name, joke_line(name, text) or stand_in(declaration.properties[name], text))
    return [Call(declaration.name, values)]


def nearest(text: str, declarations: Sequence[Declaration]) -> Declaration:
    """The function that has most in common with a question."""
    return max(declarations, key=lambda one: _score(text, one))


def _single(text: str, declarations: Sequence[Declaration]) -> Call | None:
    for fit in _fits(text, declarations):
        arguments = arguments_in(text, fit.declaration)
        if not arguments.missing:
            return Call(fit.declaration.name, arguments.values)
    return None


def _parallel(parts: Sequence[str], declarations: Sequence[Declaration]) -> list[Call]:
    """One call for each part; a part that names no function may give the previous one new arguments."""
    calls: list[Call] = []
    by_name = {one.name: one for one in declarations}
    for part in parts:
        call = _single(part, declarations) or (_repeated(part, by_name[calls[-1].name]) if calls else None)
        if call and call not in calls:
            calls.append(call)
    return calls


def _repeated(part: str, declaration: Declaration) -> Call | None:
    if not declaration.required:
        return None
    arguments = arguments_in(f"and {part}", declaration, whole_text=False)
    return None if arguments.missing else Call(declaration.name, arguments.values)


def _expanded(text: str) -> list[str]:
    """A question about `Paris, Rome and Oslo` as three questions."""
    found = _ITEMS.search(text)
    if found is None:
        return [text]
    items = _ONE_ITEM.findall(found[2])
    return [f"{text[: found.start(2)]}{item}{text[found.end(2) :]}" for item in items]


def _fits(text: str, declarations: Sequence[Declaration]) -> Iterator[_Fit]:
    """The functions that fit, best first."""
    fits = [_Fit(one, _is_named(text, one), _score(text, one)) for one in declarations]
    fits.sort(key=lambda fit: (fit.named, fit.score), reverse=True)
    return (fit for fit in fits if fit.named or _is_fitting(text, fit.declaration))


def _is_named(text: str, declaration: Declaration) -> bool:
    spoken = r"[\s_.-]".join(map(re.escape, re.split(r"[_.-]", declaration.name)))
    return (
        bool(re.search(rf"(?<!\w){spoken}(?!\w)", text, re.IGNORECASE))
        and len(name_words(declaration.name)) > 1
    )


def _telling(declaration: Declaration) -> frozenset[str]:
    found = stems(" ".join(name_words(declaration.name)))
    return found - _GENERIC_STEMS or found


def _name_share(text: str, declaration: Declaration) -> float:
    telling = _telling(declaration)
    return len(telling & stems(text)) / len(telling) if telling else 0.0


def _described(text: str, declaration: Declaration) -> int:
    parameters = " ".join(
        f"{name} {schema.get('description', '')}" for name, schema in declaration.properties.items()
    )
    return len(stems(text) & (stems(declaration.description) | stems(parameters.replace("_", " "))))


def _score(text: str, declaration: Declaration) -> float:
    return 3 * _name_share(text, declaration) + _described(text, declaration)


def _is_fitting(text: str, declaration: Declaration) -> bool:
    return (
        _name_share(text, declaration) >= _NAME_SHARE or _described(text, declaration) >= _DESCRIPTION_WORDS
    )

"""What a skill hands back: a plan, a program, and how its output becomes a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Solution", "labelled", "program"]

_LABELLED_LINE = re.compile(r"^(?:\[\w+\] )?(\w+) = (.*)$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Solution:
    """A question turned into a program.

    The program prints one `label = value` line for each result. The answer is a sentence whose
    `{label}` placeholders stand for those values and whose `{output}` stands for all that was printed,
    so that no number of an answer comes from anywhere but the run.

    Attributes:
        plan: What is going to be computed, said before the code.
        code: Python source.
        answer: The sentence with its placeholders.
    """

    plan: str
    code: str
    answer: str

    def sentence(self, output: str) -> str:
        """The answer with the values of `output` in place."""
        values = {**labelled(output), "output": output.strip("\n")}
        if not set(_PLACEHOLDER.findall(self.answer)) <= values.keys():
            return f"The code ran and printed: {output.strip()}" if output.strip() else "The code ran."
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.answer)

    @property
    def result_label(self) -> str:
        """The label of the principal result: the first that the answer mentions."""
        found = _PLACEHOLDER.search(self.answer)
        return found[1] if found else "output"


def labelled(output: str) -> dict[str, str]:
    """The `label = value` lines of a program's output, also where its outcome in brackets stands before it."""
    return dict(_LABELLED_LINE.findall(output))


def program(source: str, imports: Iterable[str] = ()) -> str:
    """Indented source text as a program: dedented, its imports before it, one newline at the end."""
    head = "".join(f"import {name}\n" for name in imports)
    return f"{head}\n{dedent(source).strip()}\n" if head else f"{dedent(source).strip()}\n"

"""Combinations, permutations and arrangements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import first_of
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    import re

__all__ = ["combinatorics"]

_N = r"(\d{1,5})"
_PAIR = rf"\(\s*{_N}\s*,\s*{_N}\s*\)"
_THINGS = r"(?:\s\w+){0,3}?"
_CHOOSE = phrase(
    rf"\b{_N} choose {_N}\b",
    rf"\b(?:nCr|C|comb(?:inations?)?){_PAIR}",
)
_PERMUTE = phrase(
    rf"\b(?:nPr|P|perm(?:utations?)?){_PAIR}",
)
_FROM = rf"{_N}{_THINGS} (?:from|out of|of|among)(?: a)?(?: \w+)? {_N}"
_COMBINATIONS = phrase(
    rf"\b(?:combinations? of|choose|select|pick|(?:committees?|teams?|groups?|hands?) of) {_FROM}"
)
_COMBINATIONS_AT_A_TIME = phrase(rf"\bcombinations of {_N}{_THINGS}(?: taken)? {_N} at a time")
_PERMUTATIONS = phrase(rf"\b(?:permutations? of|arrange|order) {_FROM}")
_PERMUTATIONS_AT_A_TIME = phrase(rf"\bpermutations of {_N}{_THINGS}(?: taken)? {_N} at a time")
_ARRANGE = phrase(
    rf"\b(?:ways|many)\b.*\b{_N}{_THINGS} (?:can )?be (?:arranged|ordered|lined up|seated in a row)",
    rf"\b(?:permutations of|arrange|order|line up) {_N}\b",
)
_LETTERS = phrase(
    r"\b(?:arrange(?:ments of)?|permutations of|anagrams of|rearrange) (?:all )?(?:the )?"
    r"(?:letters (?:of|in) )?(?:the )?(?:word )?['\"]?([A-Za-z]{2,30})['\"]?(?:\s*[?.]|$)"
)
_LETTERS_CUE = phrase(r"\b(?:how many|number of|ways)\b")


def _pair(found: re.Match[str], *, swapped: bool = False) -> tuple[int, int]:
    first, second = (int(group) for group in found.groups() if group)
    return (second, first) if swapped else (first, second)


def _count(function: str, total: int, chosen: int) -> Solution | None:
    if chosen > total:
        return None
    noun = "combinations" if function == "comb" else "permutations"
    return Solution(
        f"I will count the {noun} of {chosen} out of {total} with `math.{function}`.",
        program(f"ways = math.{function}({total}, {chosen})\nprint(f'{{ways = }}')", ["math"]),
        f"There are {{ways}} {noun} of {chosen} out of {total}.",
    )


def _arrange(found: re.Match[str]) -> Solution:
    total = next(group for group in found.groups() if group)
    return Solution(
        f"I will compute the factorial of {total}.",
        program(f"ways = math.factorial({total})\nprint(f'{{ways = }}')", ["math"]),
        f"There are {{ways}} ways to arrange {total} things in a row.",
    )


def _letters(found: re.Match[str]) -> Solution | None:
    if not _LETTERS_CUE.search(found.string):
        return None
    code = f"""
    word = {found[1].lower()!r}
    repeats = Counter(word).values()
    ways = math.factorial(len(word)) // math.prod(math.factorial(n) for n in repeats)
    print(f"{{ways = }}")
    """
    return Solution(
        "I will divide the factorial of the length by the factorials of the repeated letters.",
        f"import math\nfrom collections import Counter\n\n{program(code)}",
        f"The letters of {found[1]} can be arranged in {{ways}} ways.",
    )


combinatorics = first_of(
    (_CHOOSE, lambda found: _count("comb", *_pair(found))),
    (_PERMUTE, lambda found: _count("perm", *_pair(found))),
    (_COMBINATIONS_AT_A_TIME, lambda found: _count("comb", *_pair(found))),
    (_PERMUTATIONS_AT_A_TIME, lambda found: _count("perm", *_pair(found))),
    (_COMBINATIONS, lambda found: _count("comb", *_pair(found, swapped=True))),
    (_PERMUTATIONS, lambda found: _count("perm", *_pair(found, swapped=True))),
    (_ARRANGE, _arrange),
    (_LETTERS, _letters),
)

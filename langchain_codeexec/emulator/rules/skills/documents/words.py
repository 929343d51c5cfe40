"""Words of questions and headers, made comparable."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from langchain_codeexec.emulator.rules.functions.words import stem
from langchain_codeexec.emulator.rules.skills.documents.adjectives import base_of

__all__ = ["FILLERS", "GENERIC", "Word", "concepts", "is_year", "words"]

_WORD = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?(?!\w)|[^\W_]+")
_YEAR = re.compile(r"1[0-9]\d\d|20\d\d")

_FILLER_LIST = """
a about according across actually add all also altogether among amount an and any apart approximately are as
asked at average back based be been being belong belonging belongs between both bring brought but by
calculate can cent change changed combined come compared comparing compute could count data decline declined
decrease decreased determine deviation did difference differences divide divided do document documents does
drop dropped each earlier either elapsed every exactly exceed exceeds except excluding expressed factor fall
fell figure figures find fold following for fraction from gain gained gap gave give given gives grew grow
grown growth had has have having he held her him his hold holds how i ignoring in increase increased into is
it its itself just kind know later least less lie lies list listed lose lost lot many me mean measured median
more most much name number of on one only onto or other our out over overall per percent percentage
percentages please proportion put range rate ratio recorded reported respectively rise rose s said say says
share she show shrank shrink single so some standard subtract such sum table tables tell than that the their
them then there these they this those through times to together top total under up upto us value values was
we were what when where whether which while who whose with within without work would year years you your
"""
_GENERIC_LIST = "mean average total surface standard known usual official"
GENERIC = frozenset(stem(word) for word in _GENERIC_LIST.split())
"""Stems that a header may have and a question leave out without meaning something else."""

FILLERS = frozenset(_FILLER_LIST.split())
"""Words that ask for nothing by themselves."""


def _root(word: str) -> str:
    """The stem of a stem: `entered` and `enter`, `carried` and `carry` meet only there."""
    return stem(stem(word)).removesuffix("i")


# One line is one idea; what its words say about a thing is found under a header with any other of them.
_IDEA_LINES = """
mass weight weigh heavy light massive mass
length long short
height elevation altitude high tall low peak rise
depth deep shallow
breadth width wide broad narrow
distance far distant near close away
area cover extent
population people person inhabitants residents resident populous live living lived inhabited capita
velocity speed fast slow
temperature hot cold warm cool
density dense
discharge flow carry
samples sample collected
period orbit orbital revolution
diameter across wide
admitted admission join joined statehood
took take taken begin start
left leave end
born birth old young age
office serve served serving govern governed
encounter enter entered pass passed reach reached visit visited fly flew meet met arrive fly
launched launch
year when
moon satellite
time duration stay stayed lasted spend spent
price expensive cheap
retention retain
"""
_IDEAS = [frozenset(_root(word) for word in line.split()) for line in _IDEA_LINES.strip().splitlines()]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text.

    Attributes:
        text: As it stands.
        start: Where it begins.
        end: Where it ends.
    """

    text: str
    start: int
    end: int

    @property
    def stem(self) -> str:
        """Without ending, in lower case; a number without its separators."""
        return self.text.replace(",", "") if self.text[0].isdigit() else stem(self.text.lower())

    @property
    def is_number(self) -> bool:
        """Whether it is a number in digits."""
        return self.text.replace(",", "").replace(".", "", 1).isdecimal()

    @property
    def is_filler(self) -> bool:
        """Whether it asks for nothing by itself."""
        return self.text.lower() in FILLERS


def words(text: str) -> tuple[Word, ...]:
    """The words and numbers of a text."""
    return tuple(Word(found[0], found.start(), found.end()) for found in _WORD.finditer(text))


@lru_cache(maxsize=4096)
def concepts(text: str) -> frozenset[str]:
    """Stems of the words that may stand for a word: its own and those of the same idea."""
    own = _root(base_of(text.lower()))
    return frozenset({own}).union(*(idea for idea in _IDEAS if own in idea))


def is_year(text: str) -> bool:
    """Whether a number can be a year."""
    return _YEAR.fullmatch(text) is not None

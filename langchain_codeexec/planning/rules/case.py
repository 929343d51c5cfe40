"""One request as the rules see it; each part is read when a rule first asks for it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from langchain_codeexec.planning.rules.conversation import Situation, situation
from langchain_codeexec.planning.rules.coverage import Fit, fits
from langchain_codeexec.planning.rules.features import code_figures, evidence, fit_figures, question_figures
from langchain_codeexec.planning.rules.profiles import Profile, profile
from langchain_codeexec.planning.rules.reading import Reading, read
from langchain_codeexec.planning.rules.weights import CODE, FUNCTION, utility
from langchain_codeexec.planning.rules.wishes import Wish, wish

if TYPE_CHECKING:
    from langchain_codeexec.planning.plan import PlanRequest

__all__ = ["Candidate", "Case"]

_FOLLOW_UP: Final = re.compile(
    r"^\W*(?:and|or|but|now|then|also|again|instead|ok(?:ay)?|yes|no|sure|same|what about|how about|try|retry)\b",
    re.IGNORECASE,
)
_TELLING_ENOUGH: Final = 2
_PLAUSIBLE: Final = 3.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A function with its utility, the log-odds against neither."""

    utility: float
    fit: Fit

    @property
    def name(self) -> str:
        """The function's name."""
        return self.fit.name


class Case:
    """A request, read as far as the rules need it.

    Args:
        request: The request.
    """

    def __init__(self, request: PlanRequest) -> None:
        self.request = request

    @cached_property
    def situation(self) -> Situation:
        """Where the conversation stands."""
        return situation(self.request.messages)

    @cached_property
    def wish(self) -> Wish:
        """What the user asks for in so many words."""
        return wish(self.situation.question, self.request.function_names)

    @cached_property
    def profiles(self) -> list[Profile]:
        """What the functions are about."""
        return [profile(function) for function in self.request.functions]

    @cached_property
    def asked(self) -> Reading:
        """The user's last words alone."""
        return read(self.situation.question)

    @cached_property
    def reading(self) -> Reading:
        """The question; one that makes no sense alone is read together with the one before."""
        before = self.situation.before.rstrip(" .?!")
        alone = self.asked.telling >= _TELLING_ENOUGH or self.asked.values.quantities > 0
        if not before or (alone and not self.follows_up):
            return self.asked
        return read(f"{before} {self.situation.question}")

    @cached_property
    def follows_up(self) -> bool:
        """Whether the question leans on what was said before it."""
        return self.situation.asked_back or bool(_FOLLOW_UP.search(self.situation.question))

    @cached_property
    def evidence(self) -> dict[str, float]:
        """The evidence in the question."""
        return evidence(self.reading)

    @cached_property
    def code(self) -> float:
        """Utility of code execution."""
        return utility(code_figures(self.evidence, self.fits), CODE)

    @cached_property
    def fits(self) -> list[Fit]:
        """How the functions fit the question."""
        return fits(self.reading, self.profiles)

    @cached_property
    def candidates(self) -> list[Candidate]:
        """The functions, the best first; equally good ones by name, so that their order does not matter."""
        common = utility(question_figures(self.evidence), FUNCTION)
        rated = [Candidate(common + utility(fit_figures(fit), FUNCTION), fit) for fit in self.fits]
        return sorted(rated, key=lambda candidate: (-candidate.utility, candidate.name))

    @cached_property
    def functions(self) -> float:
        """Utility of calling any function: the odds of all of them together."""
        return math.log(sum(math.exp(candidate.utility) for candidate in self.candidates))

    @property
    def best(self) -> Candidate:
        """The function that fits best."""
        return self.candidates[0]

    @property
    def plausible(self) -> tuple[str, ...]:
        """The best function and those at least a twentieth as likely that are better than nothing, as declared."""
        least = max(0.0, self.best.utility - _PLAUSIBLE)
        names = {candidate.name for candidate in self.candidates if candidate.utility >= least}
        return self.declared({self.best.name} | names)

    def declared(self, names: set[str]) -> tuple[str, ...]:
        """Those of the names that are declared, in the order of their declaration."""
        return tuple(name for name in self.request.function_names if name in names)

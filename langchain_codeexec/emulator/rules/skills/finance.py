"""Interest and loans."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from langchain_codeexec.emulator.rules.numerals import NUMBER, literal
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.solution import Solution, program

if TYPE_CHECKING:
    from langchain_codeexec.emulator.rules.question import Question

__all__ = ["finance"]

_MONEY = phrase(rf"[$€£]\s?({NUMBER})|\b({NUMBER})\s?(?:dollars|euros|pounds|usd|eur|gbp)\b")
_PRINCIPAL = phrase(
    r"\b(?:principal|loan|mortgage|investment|deposit|amount|interest on|invest(?:ing|ed)?|borrow(?:ing|ed)?)"
    rf"(?: of| is)?\s+({NUMBER})(?!\s?(?:%|percent|-?\s?years?|-?\s?months?))"
)
_RATE = phrase(rf"({NUMBER})\s?(?:%|percent\b)")
_YEARS = phrase(rf"({NUMBER})[\s-]years?\b")
_MONTHS = phrase(rf"({NUMBER})[\s-]months?\b")

_COMPOUND = phrase(r"\bcompound(?:ed|ing)?\b")
_SIMPLE = phrase(r"\bsimple interest\b")
_LOAN = phrase(r"\b(?:loan|mortgage|borrow)\b")
_PAYMENT = phrase(r"\b(?:payments?|instal+ments?|repay(?:ments?)?|pay (?:per|each|every) month|monthly)\b")
_PERIODS = (
    (phrase(r"\bdaily\b"), 365, "daily"),
    (phrase(r"\bweekly\b"), 52, "weekly"),
    (phrase(r"\bmonthly\b"), 12, "monthly"),
    (phrase(r"\bquarterly\b"), 4, "quarterly"),
    (phrase(r"\b(?:semi-?annually|half-?yearly|twice a year)\b"), 2, "twice a year"),
)

_COMPOUND_CODE = """
principal = {principal}
rate = {rate} / 100
periods_per_year = {periods}
years = {years}
amount = principal * (1 + rate / periods_per_year) ** (periods_per_year * years)
print(f"amount = {{amount:.2f}}")
print(f"interest = {{amount - principal:.2f}}")
"""
_SIMPLE_CODE = """
principal = {principal}
rate = {rate} / 100
years = {years}
interest = principal * rate * years
print(f"interest = {{interest:.2f}}")
print(f"amount = {{principal + interest:.2f}}")
"""
_LOAN_CODE = """
principal = {principal}
monthly_rate = {rate} / 100 / 12
payments = round({years} * 12)
payment = principal * monthly_rate / (1 - (1 + monthly_rate) ** -payments)
print(f"payment = {{payment:.2f}}")
print(f"total_paid = {{payment * payments:.2f}}")
print(f"total_interest = {{payment * payments - principal:.2f}}")
"""
_LOAN_CODE_WITHOUT_INTEREST = """
principal = {principal}
payments = round({years} * 12)
payment = principal / payments
print(f"payment = {{payment:.2f}}")
print(f"total_paid = {{principal:.2f}}")
print("total_interest = 0.00")
"""


class _Terms(NamedTuple):
    principal: str
    rate: str
    years: str


def finance(question: Question) -> Solution | None:
    """Compound interest, simple interest or a loan's payment, where principal, rate and time are given."""
    text = question.prose
    terms = _terms(text)
    if terms is None:
        return None
    if _SIMPLE.search(text):
        return _simple(terms)
    if _COMPOUND.search(text):
        return _compound(terms, text)
    if _LOAN.search(text) and _PAYMENT.search(text):
        return _loan(terms)
    return None


def _terms(text: str) -> _Terms | None:
    money = _MONEY.search(text)
    principal = next(filter(None, money.groups())) if money else None
    if principal is None and (found := _PRINCIPAL.search(text)):
        principal = found[1]
    rate, years, months = _RATE.search(text), _YEARS.search(text), _MONTHS.search(text)
    if principal is None or rate is None or not (years or months):
        return None
    time = literal(years[1]) if years else f"{literal(months[1] if months else '0')} / 12"
    return _Terms(literal(principal), literal(rate[1]), time)


def _described(terms: _Terms) -> str:
    return f"{terms.principal} at {terms.rate}% over {terms.years} years"


def _compound(terms: _Terms, text: str) -> Solution:
    periods, word = next(
        ((count, word) for words, count, word in _PERIODS if words.search(text)), (1, "yearly")
    )
    return Solution(
        f"I will compound {_described(terms)}, {word}.",
        program(_COMPOUND_CODE.format(**terms._asdict(), periods=periods)),
        f"{_described(terms)}, compounded {word}, grows to {{amount}}; the interest is {{interest}}.",
    )


def _simple(terms: _Terms) -> Solution:
    return Solution(
        f"I will multiply principal, rate and time: {_described(terms)}.",
        program(_SIMPLE_CODE.format(**terms._asdict())),
        f"The simple interest on {_described(terms)} is {{interest}}; the final amount is {{amount}}.",
    )


def _loan(terms: _Terms) -> Solution:
    code = _LOAN_CODE if float(terms.rate) else _LOAN_CODE_WITHOUT_INTEREST
    return Solution(
        f"I will use the annuity formula for {_described(terms)}.",
        program(code.format(**terms._asdict())),
        f"The monthly payment for a loan of {_described(terms)} is {{payment}}; "
        "{total_paid} is paid in total, {total_interest} of it interest.",
    )

"""Dates: differences, weekdays, shifts, ages and leap years."""

from __future__ import annotations

import re
from datetime import date

from langchain_codeexec.emulator.rules.numerals import NUMBER, literal
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.question import first_of
from langchain_codeexec.emulator.rules.solution import Solution, program

__all__ = ["DATE", "dates", "parse_date"]

_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS = _MONTH_NAMES.split()
_MONTH = (
    "(?:" + "|".join(rf"{name[:3]}(?:{name[3:]})?" if name != "may" else "may" for name in _MONTHS) + r")\.?"
)
_MONTH = _MONTH.replace("sep(?:tember)?", "sept?(?:ember)?")
DATE = (
    r"(?:\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{1,2}/\d{1,2}/\d{4}|\d{1,2}\.\d{1,2}\.\d{4}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? \d{{4}}"
    r"|christmas(?: day)? \d{4}|new year'?s? day \d{4}|today|now|tomorrow|yesterday)"
)
"""Pattern of one date, without groups."""

_ISO = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_NAMED_MONTH = phrase(r"\b[a-z]{3,9}\b")
_DAY = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?\b")
_YEAR = re.compile(r"\b(\d{4})\b")
_FEASTS = {"christmas": (12, 25), "new year": (1, 1)}
_RELATIVE = {
    "today": "date.today()",
    "now": "date.today()",
    "tomorrow": "date.today() + timedelta(days=1)",
    "yesterday": "date.today() - timedelta(days=1)",
}

_UNIT = r"(day|week|month|year|business day|working day|weekday)s?"
_BETWEEN = phrase(
    rf"\b(days?|weeks?|months?|years?|long|time|weekdays|business days|working days)\b.*?"
    rf"\b(?:between|from|since|passed since|in between)\s+({DATE})\s+(?:and|to|until|till|through)\s+({DATE})"
)
_UNTIL = phrase(
    rf"\bhow many (days|weeks)\b(?:(?!\b(?:from|between)\b).)*?\b(until|till|to|before|since)\s+({DATE})"
)
_WEEKDAY = phrase(
    rf"\b(?:what|which) (?:day of the week|weekday|day)\b.*?({DATE})|\bweekday (?:of|on|for) ({DATE})"
    rf"|\bday of (?:the )?week\b.*?({DATE})|\bis ({DATE}) an? (?:mon|tues|wednes|thurs|fri|satur|sun)day"
)
_SHIFT_AFTER = phrase(rf"\b({NUMBER}) {_UNIT} (after|from|before|prior to|past|following) ({DATE})")
_SHIFT_PLUS = phrase(rf"({DATE})\s*(?:,\s*)?(plus|minus|\+|-)\s*({NUMBER}) {_UNIT}")
_SHIFT_ADD = phrase(rf"\b(add|subtract) ({NUMBER}) {_UNIT} (?:to|from) ({DATE})")
_SHIFT_AGO = phrase(
    rf"\b(?:what|which) (?:day|date|weekday|month)\b.*?\b({NUMBER}) {_UNIT} ago\b",
    rf"^\W*({NUMBER}) {_UNIT} ago\W*$",
)
_AGE = phrase(
    rf"\b(?:born (?:on )?|birth ?date(?: is| of)? |birthday(?: is)? )({DATE})"
    rf"(?:.*?\b(?:on|in|at|as of)\s+({DATE}))?"
)
_AGE_CUE = phrase(r"\b(?:how old|age)\b")
_LEAP = phrase(r"\b(?:is|was|will|whether|if) (?:the year )?(\d{1,4}) (?:be |is )?a leap year")
_LEAPS = phrase(r"\bleap years?\b.*?\b(?:between|from) (\d{4}) (?:and|to) (\d{4})")
_MONTH_DAYS = phrase(
    rf"\bhow many days (?:are |were |does |did )?(?:there )?(?:in )?({_MONTH}),? (?:of )?(\d{{4}})"
)
_WEEK_NUMBER = phrase(rf"\b(?:iso week|week number)\b.*?({DATE})")
_DAY_OF_YEAR = phrase(rf"\bday of the year\b.*?({DATE})")
_TODAY = phrase(
    r"\b(?:what(?:'s| is)?|which) (?:day|date|weekday)(?: of the week)? is (?:it |today)",
    r"\b(?:what is|what's) (?:the date|the current date|today's date)",
)

_HEAD = "from datetime import date, timedelta\n"
_ADD_MONTHS = '''
def add_months(start, months):
    """Shift by months; a day that the target month lacks becomes its last."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))

'''


def parse_date(text: str) -> date | None:
    """A date written out in one of the ways of `DATE`, or `None` for a relative or impossible one.

    `3/4/2024` is read the American way, month first, unless only the other way is possible.
    """
    try:
        return _parsed(text)
    except ValueError:
        return None


def _parsed(text: str) -> date | None:
    if found := _ISO.fullmatch(text):
        return date(*map(int, found.groups()))
    if found := _AMERICAN.fullmatch(text):
        first, second, year = map(int, found.groups())
        return date(year, second, first) if first > len(_MONTHS) else date(year, first, second)
    if found := _DOTTED.fullmatch(text):
        day, month, year = map(int, found.groups())
        return date(year, month, day)
    year_found, lower = _YEAR.search(text), text.lower()
    if year_found is None:
        return None
    for feast, (month, day) in _FEASTS.items():
        if feast in lower:
            return date(int(year_found[1]), month, day)
    month_found, day_found = _month(text), _DAY.search(text)
    return date(int(year_found[1]), month_found, int(day_found[1])) if month_found and day_found else None


def _month(text: str) -> int | None:
    """The month named in a text, 1 to 12."""
    for word in _NAMED_MONTH.findall(text):
        for number, name in enumerate(_MONTHS, start=1):
            if name.startswith(word.lower()[:3]):
                return number
    return None


def _source(text: str) -> str | None:
    """A date as a Python expression."""
    if relative := _RELATIVE.get(text.lower()):
        return relative
    found = parse_date(text)
    return f"date({found.year}, {found.month}, {found.day})" if found else None


def _whole(text: str) -> int | None:
    digits = literal(text)
    return int(digits) if digits.isdigit() else None


_DIFFERENCES = {
    "day": ("days = (end - start).days", "There are {days} days from {start} to {end}."),
    "week": (
        "weeks, days = divmod((end - start).days, 7)",
        "There are {weeks} weeks and {days} days from {start} to {end}.",
    ),
    "month": (
        "months = (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)",
        "There are {months} full months from {start} to {end}.",
    ),
    "year": (
        "years = end.year - start.year - ((end.month, end.day) < (start.month, start.day))",
        "There are {years} full years from {start} to {end}.",
    ),
    "workday": (
        "workdays = sum((start + timedelta(days=n)).weekday() < 5 for n in range((end - start).days))",
        "There are {workdays} weekdays from {start} to {end}, the first date included and the last one not.",
    ),
}
_DIFFERENCE_WORDS = {"weekdays": "workday", "business days": "workday", "working days": "workday"}


def _difference(first: str, second: str, unit: str) -> Solution | None:
    start, end = _source(first), _source(second)
    if start is None or end is None:
        return None
    unit = _DIFFERENCE_WORDS.get(unit.lower(), unit.lower().rstrip("s"))
    expression, answer = _DIFFERENCES.get(unit, _DIFFERENCES["day"])
    labels = expression.partition(" = ")[0].split(", ")
    source = "\n".join(
        [
            f"start = {start}",
            f"end = {end}",
            expression,
            *(f'print(f"{{{label} = }}")' for label in labels),
            'print(f"start = {start}")',
            'print(f"end = {end}")',
        ]
    )
    return Solution("I will subtract the two dates.", f"{_HEAD}\n{program(source)}", answer)


def _until(found: re.Match[str]) -> Solution | None:
    unit, direction, day = found.groups()
    start, end = (day, "today") if direction.lower() == "since" else ("today", day)
    return _difference(start, end, unit)


def _weekday(found: re.Match[str]) -> Solution | None:
    text = next(group for group in found.groups() if group)
    day = _source(text)
    if day is None:
        return None
    source = f'day = {day}\nprint("day =", day)\nprint("weekday =", day.strftime("%A"))'
    verb = "is" if text.lower() in _RELATIVE else "falls on a"
    return Solution(
        f"I will look up the weekday of {text}.",
        f"{_HEAD}\n{program(source)}",
        f"{{day}} {verb} {{weekday}}.",
    )


def _shift(amount: str, unit: str, day: str, *, back: bool) -> Solution | None:
    count, start = _whole(amount), _source(day)
    if count is None or start is None:
        return None
    unit, sign = unit.lower(), "-" if back else "+"
    head = _HEAD
    if unit in {"day", "week"}:
        source = f"day = {start} {sign} timedelta({unit}s={count})\n"
    elif unit in {"month", "year"}:
        months = f"{'-' if back else ''}{count}{' * 12' if unit == 'year' else ''}"
        head, source = f"import calendar\n{_HEAD}\n{_ADD_MONTHS}", f"day = add_months({start}, {months})\n"
    else:
        source = (
            f"day = {start}\nremaining = {count}\nwhile remaining:\n"
            f"    day {sign}= timedelta(days=1)\n    remaining -= day.weekday() < 5\n"
        )
    source += 'print("day =", day)\nprint("weekday =", day.strftime("%A"))'
    plural = "" if count == 1 else "s"
    where = "before" if back else "after"
    return Solution(
        f"I will count {count} {unit}{plural} {'back' if back else 'forward'} from {day}.",
        f"{head}\n{program(source)}",
        f"The date {count} {unit}{plural} {where} {day} is {{weekday}}, {{day}}.",
    )


def _shift_after(found: re.Match[str]) -> Solution | None:
    return _shift(found[1], found[2], found[4], back=found[3].lower() in {"before", "prior to"})


def _shift_plus(found: re.Match[str]) -> Solution | None:
    return _shift(found[3], found[4], found[1], back=found[2].lower() in {"minus", "-"})


def _shift_add(found: re.Match[str]) -> Solution | None:
    return _shift(found[2], found[3], found[4], back=found[1].lower() == "subtract")


def _age(found: re.Match[str]) -> Solution | None:
    return _difference(found[1], found[2] or "today", "years") if _AGE_CUE.search(found.string) else None


def _calendar(plan: str, source: str, answer: str) -> Solution:
    return Solution(plan, program(source, ["calendar"]), answer)


def _leap(found: re.Match[str]) -> Solution:
    year = int(found[1])
    source = f"""
    verdict = "a leap year" if calendar.isleap({year}) else "not a leap year"
    print("verdict =", verdict)
    """
    return _calendar(f"I will check {year} with the calendar module.", source, f"{year} is {{verdict}}.")


def _leaps(found: re.Match[str]) -> Solution:
    low, high = int(found[1]), int(found[2])
    source = f"""
    years = [year for year in range({low}, {high} + 1) if calendar.isleap(year)]
    print("count =", len(years))
    print(f"{{years = }}")
    """
    return _calendar(
        "I will test every year.", source, f"There are {{count}} leap years from {low} to {high}: {{years}}."
    )


def _month_days(found: re.Match[str]) -> Solution | None:
    month, year = _month(found[1]), int(found[2])
    if not month or not year:
        return None
    name = _MONTHS[month - 1].capitalize()
    source = f"days = calendar.monthrange({year}, {month})[1]\nprint(f'{{days = }}')"
    return _calendar(
        f"I will look up {name} {year} in the calendar.", source, f"{name} {year} has {{days}} days."
    )


def _formatted(found: re.Match[str], label: str, expression: str, answer: str) -> Solution | None:
    day = _source(found[1])
    if day is None:
        return None
    source = f'day = {day}\n{label} = {expression}\nprint("day =", day)\nprint(f"{{{label} = }}")'
    return Solution(f"I will ask the calendar about {found[1]}.", f"{_HEAD}\n{program(source)}", answer)


def _today(_: re.Match[str]) -> Solution:
    source = 'today = date.today()\nprint("today =", today)\nprint("weekday =", today.strftime("%A"))'
    return Solution(
        "I will ask the clock of the machine.", f"{_HEAD}\n{program(source)}", "Today is {weekday}, {today}."
    )


dates = first_of(
    (_LEAPS, _leaps),
    (_LEAP, _leap),
    (_MONTH_DAYS, _month_days),
    (_AGE, _age),
    (_SHIFT_AFTER, _shift_after),
    (_SHIFT_PLUS, _shift_plus),
    (_SHIFT_ADD, _shift_add),
    (_SHIFT_AGO, lambda found: _shift(found[1] or found[3], found[2] or found[4], "today", back=True)),
    (_BETWEEN, lambda found: _difference(found[2], found[3], found[1])),
    (_UNTIL, _until),
    (
        _WEEK_NUMBER,
        lambda found: _formatted(found, "week", "day.isocalendar().week", "{day} lies in ISO week {week}."),
    ),
    (
        _DAY_OF_YEAR,
        lambda found: _formatted(
            found, "number", "day.timetuple().tm_yday", "{day} is day {number} of its year."
        ),
    ),
    (_TODAY, _today),
    (_WEEKDAY, _weekday),
)

"""Figures: what is one, what it is worth, what only looks like one, and which of them supports which."""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.grounding.figures import (
    Figure,
    figures_in,
    may_support,
    printed_figures,
    stated_figures,
    supports,
)


def read(figures: list[Figure]) -> list[str]:
    return [f"{figure.value.normalize():f} {figure.unit}".rstrip() for figure in figures]


SPELLINGS = {
    "5117": [
        "5117",
        "The sum is 5117.",
        "5,117",
        r"5{,}117",
        "$5117$ in LaTeX",
        r"\(5117\)",
        "5117¹",
        "合計は5117です",
    ],
    "1234567.8": ["1,234,567.8", "1\u202f234\u202f567,8", "1.234.567,8", "1_234_567.8", "1'234'567.8"],
    "1234.5": [
        "1\u2009234.5",
        "1.234,5",
        "1\u2019234.5",
        "1'234,5",
        "1 234,5",
        "1234,50",
        "1\u066c234\u066b5",
    ],
    "1234": ["1\u00a0234", "1 234"],
    "1234567": ["1.234.567", "12,34,567", "1 234 567"],
    "3.5": ["3,5", "der Wert 3,5"],
    "42": ["**42**", "`42`", "42. That is the answer."],
    "0.5": [".5", "½"],
    "5": ["x=5", "5km/hr", "it is no. 5 remain"],
    "-5": ["-5", "\u22125"],
    "-3": ["it is (-3)"],
    "1200000": ["1.2e6", "1.2 x 10^6", "1.2 million"],
    "0.0012": ["1.2E-3", "1.2·10⁻³"],
    "1000000": ["10^6", "1M"],
    "1500000": [r"$1.5 \times 10^{6}$"],
    "2000": ["2*10**3", "two thousand", "2k"],
    "3400000": ["3.4 million", "3.4-million"],
    "3000000": ["three million", "3M"],
    "7000000000": ["7 billion people", "7B"],
    "200000": ["2 hundred thousand", "two hundred thousand"],
    "305021": ["three hundred and five thousand and twenty-one"],
    "0.75": ["3/4"],
    "2.5": ["2 1/2", "2½"],
    "750000": ["3/4 million"],
    "12.5": ["12.5mA"],
    "2020": ["there were 2020 cases"],
    "1999": ["The sum is 1999.", "in 1999 cases"],
    "1500": ["the total (1500)"],
    "12 %": ["12 %", "12%", r"12\%", "12 percent", "12 per cent", "12 percentage points"],
    "5970000000000000000000000 kg": ["5.97 \u00d7 10^24 kg", "5.97\u00d710²⁴ kg"],
    "1200000000 USD": ["$1.2bn", "$1.2b", "US$ 1.2 billion"],
    "12500000 EUR": ["12,5 Mio. EUR", "12,5 Mio. Euro", "12,5 M€", "EUR 12,5 Mio.", "12,5 millones €"],
    "1234500000": ["1 234,5 millions", "1.234,5 Millionen", "1 234,5 mln"],
    "3400000000": ["3,4 Mrd.", "3,4 milliards", "3,4 Milliarden", "3,4 mil millones"],
    "250000": ["2,5 lakh", "25 万人"],
    "49.75 EUR": ["49,75 €", "49,75€", "€ 49,75", "EUR 49.75"],
    "3.2 %": ["3,2 %", "3,2%", "3,2 Prozent", "3,2 pour cent"],
    "3000000 EUR": ["€3m", "3 million euros"],
    "-5 USD": ["-$5", "$-5"],
    "1234.5 USD": ["$1,234.50", "USD1,234.5", "1234.5 dollars"],
    "20 EUR": ["20 EUR"],
    "9.99 GBP": ["£9.99"],
    "2.5 mi": ["2½ miles"],
    "5 km": ["5km", "5 kilometres", "5 kilometers"],
    "5 km²": ["5 km²", "5 km^2", "5 square kilometers"],
    "5.51 g/cm³": ["5.51 g/cm³"],
    "300 K": ["300 K"],
    "-40 °C": ["-40 °C"],
    "24 h": ["a 24-hour day"],
    "7 d": ["7 days"],
    "3 \u00d7": ["3x faster", "3 times", "3-fold"],
}


@pytest.mark.parametrize(
    ("text", "value"), [(text, value) for value, texts in SPELLINGS.items() for text in texts]
)
def test_a_figure_is_read_as_its_value(text: str, value: str) -> None:
    assert read(figures_in(text)) == [value]


LABELS = {
    "ordinals": ["the 1st, 2nd, 23rd and 1,000th"],
    "dates": [
        "July 20, 1969",
        "20 July 1969",
        "the 3rd of March 2021",
        "May 1969",
        "2020-01-05",
        "01/05/2020",
    ],
    "dates with points": ["5.1.2020"],
    "dates and years in other languages": [
        "am 5. März 2020",
        "le 5 mars 2020",
        "el 5 de marzo de 2020",
        "im Jahr 2020",
        "en l'an 2020",
        "siehe Tabelle 2 auf Seite 12",
        "am 12. Mai und le 3 mars und im März 2024",
        "le 1er janvier 2024, le 2e trimestre, el 1.º mes",
        "vgl. S. 12, Abb. 3, KW 4, str. 5 und pág. 6",
        "um 14.30 Uhr und à 14h30",
        "Q3 2024, T3 2024 and H1/2024",
    ],
    "times": ["2020-01-05T12:30:00Z", "at 12:30 pm and at 5 p.m."],
    "years": ["in 1969, the crew", "since 2010.", "1990\u20131995", "the 2020 census", "the 1960s"],
    "citations": ["[1] and [2, 3] and [1\u20133] and [^4]"],
    "list marks": ["1. one\n2. two\n3. three", "- 1) one\n- 2) two", "1. one\n1. two"],
    "numbered": [
        "Section 3.2 and Table 1 and page 12",
        "pages 12\u201314, Fig. 3, No. 5",
        "#5",
        "Python 3.11",
    ],
    "names": ["GPT-4 and COVID-19", "3D, 5G and 1A", "H2O and CO2 and x1", "x5,200"],
    "identifiers": ["input_file_0.csv", "2024_sales.csv", "0x1F4", "123e4567-e89b"],
    "versions and addresses": [
        "v1.2.3 and 192.168.1.1",
        "https://example.org/2020/5?x=3",
        "to a5@b6.example",
    ],
    "small words": ["two moons and three rings"],
    "code": ["```python\nx = 5\n```"],
    "no number": ["1" * 101, "1e999", "1/0", "no digits at all", ""],
}


@pytest.mark.parametrize("text", [text for texts in LABELS.values() for text in texts])
def test_what_states_no_value_is_no_figure(text: str) -> None:
    assert figures_in(text) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("10-20", ["10", "20"]),
        ("2x4", ["2", "4"]),
        ("10\u201320", ["10", "20"]),
        ("from 3 to 5", ["3", "5"]),
        ("1,234,56", ["1", "234", "56"]),
        ("(3,5)", ["3", "5"]),
        ("1 2 345", ["1", "2", "345"]),
        ("300 400 5", ["300", "400", "5"]),
        ("3,5,7", ["3", "5", "7"]),
        ("3:1", ["3", "1"]),
        ("In 1969 they took 21.5 kg", ["21.5 kg"]),
        ("1. It is 5.\n2. It is 6.", ["5", "6"]),
        ("$5 and $6", ["5 USD", "6 USD"]),
    ],
)
def test_figures_side_by_side(text: str, values: list[str]) -> None:
    assert read(figures_in(text)) == values


def test_a_figure_knows_its_place_and_precision() -> None:
    text = "It was about 5,100 km, or 3.2 million steps."
    rough, exact = figures_in(text)
    assert text[rough.start : rough.end] == rough.text == "5,100 km"
    assert (rough.step, rough.is_rough) == (100, True)
    assert (exact.text, exact.step, exact.digits) == ("3.2 million", 100_000, 2)


def test_brackets_cite_only_documents_that_there_are() -> None:
    text = "The factors are [2, 3] and the sum is 5 [4]."
    assert read(figures_in(text, documents=1)) == ["2", "3", "5"]
    assert read(figures_in(text)) == ["5"]


def test_what_a_claim_may_rest_on_includes_years_and_words() -> None:
    assert read(stated_figures("Since 1979 it has two moons and 3 rings.")) == ["1979", "2", "3"]


@pytest.mark.parametrize(
    ("output", "values"),
    [
        ("[1, 2, 3.5]", ["1", "2", "3.5"]),
        ("3,5", ["3", "5"]),
        ("3,5 %", ["3.5 %"]),
        ("1 234", ["1", "234"]),
        ("12,34,567", ["12", "34", "567"]),
        ("1.234", ["1.234"]),
        ("1.234 of 1.234,50", ["1234", "1234.5"]),
        ("total = 1,234", ["1234"]),
        ("2020    331449281", ["2020", "331449281"]),
        ("1. first", ["1"]),
        ("np.float64(2.5)", ["2.5"]),
        ("1e-05 1.00000000e+02", ["0.00001", "100"]),
        ("{'a': 1, 'b': -2}", ["1", "-2"]),
        ("Timestamp('2020-01-01 00:00:00') 12:30:15", []),
        ("input_file_0.csv x1 0x7f3a", []),
    ],
)
def test_programs_print_figures_without_prose(output: str, values: list[str]) -> None:
    assert read(printed_figures(output)) == values


numbers = st.decimals(min_value=-(10**15), max_value=10**15, places=3, allow_nan=False).map(
    lambda value: value.normalize() + 0
)


def with_groups(value: Decimal, mark: str) -> str:
    return f"{value:,f}".replace(",", mark)


FORMS = {
    "plain": lambda value: f"{value:f}",
    "commas": lambda value: f"{value:,f}",
    "thin spaces and a comma": lambda value: with_groups(value, "\u202f").replace(".", ","),
    "apostrophes": lambda value: with_groups(value, "'"),
    "underscores": lambda value: with_groups(value, "_"),
    "minus sign": lambda value: f"{value:f}".replace("-", "\N{MINUS SIGN}"),
    "exponent": lambda value: f"{value:.20e}",
    "LaTeX": lambda value: f"${with_groups(value, '{,}')}$",
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(value=numbers)
def test_a_value_in_any_form_is_read_back(form: Callable[[Decimal], str], value: Decimal) -> None:
    text = form(value)
    [figure] = figures_in(f"The value is {text} exactly.")
    is_open = re.fullmatch(r"-?[1-9]\d{0,2},\d{3}", text) is not None
    assert value in {figure.value, *(part.value for meaning in figure.others * is_open for part in meaning)}


@given(value=numbers, scale=st.sampled_from([("thousand", 3), ("million", 6), ("billion", 9)]))
def test_a_scale_multiplies(value: Decimal, scale: tuple[str, int]) -> None:
    [figure] = figures_in(f"{value:f} {scale[0]}")
    assert figure.value == value.scaleb(scale[1])


@given(st.text(max_size=80) | st.text(alphabet="0123456789.,-+eE%$€ \n\u202f/\u00d7^½[]()kMbn", max_size=60))
def test_nothing_raises_and_places_are_right(text: str) -> None:
    for figure in [*figures_in(text), *stated_figures(text), *printed_figures(text)]:
        assert text[figure.start : figure.end] == figure.text != ""
        assert figure.value.is_finite()


# -- agreement -----------------------------------------------------------------------------------------------


def holds(evidence: str, claim: str) -> bool:
    [printed] = printed_figures(evidence)
    [claimed] = figures_in(claim)
    return supports(printed, claimed)


SUPPORTED = {
    "5117": ["5,117"],
    "5117.3": ["about 5,117", "5,117", "5.12 thousand", "about 5,100"],
    "4960": ["about 5,000"],
    "4.96": ["about 5"],
    "0.153": ["15.3 %"],
    "15.3": ["15.3 %"],
    "15.34": ["15.3 %"],
    "0.15342": ["15.3 percent"],
    "15.3%": ["15.3", "0.153"],
    "2312000": ["2.3 million"],
    "2.3e6": ["2,300,000"],
    "1234567890": ["$1.2bn"],
    "5.97e24": ["5.97 \u00d7 10^24 kg"],
    "0.30000000000000004": ["0.3"],
    "2.9999999999999996": ["3"],
    "0.75": ["3/4"],
    "0.3333": ["1/3"],
    "0.6666666667": ["2/3"],
    "-3.2": ["-3.2", "fell by 3.2 %", "a decrease of about 3.2 %", "it is down 3.2", "3.2 points lower"],
    "-0.032": ["3.2 % lower"],
    "0.125": ["0.12", "0.13"],
    "5 km": ["5 kilometers"],
    "12.50 USD": ["$12.5"],
    "305": ["three hundred and five"],
}
REFUTED = {
    "5117": ["5,118"],
    "5117.9": ["5,117"],
    "5117.3": ["5,100"],
    "4600": ["about 5,000"],
    "5100": ["5,117"],
    "2.3e6": ["2.31 million"],
    "2312000": ["2 million"],
    "4.6": ["5"],
    "4.96": ["5"],
    "15.3": ["7 %"],
    "1.53": ["15.3 %"],
    "15.3%": ["1.53"],
    "-3.2": ["3.2", "it fell to 3.2", "below the mean of last year: 3.2", "we download 3.2 GB"],
    "3.2": ["-3.2"],
    "0.33": ["1/3"],
    "0.3334": ["1/3"],
    "5 kg": ["5 km"],
    "5 km": ["5,000 m"],
    "12.5 EUR": ["$12.5"],
    "0": ["0.4"],
    "10000000000000001": ["10,000,000,000,001,001"],
    "3": ["3,5 %"],
    "35": ["3,5 %"],
    "2": ["2 hundred thousand", "2 thousand"],
    "300": ["three hundred and five"],
    "200": ["USD1,200", "2 hundred thousand"],
}


@pytest.mark.parametrize(
    ("evidence", "claim", "is_supported"),
    [
        (evidence, claim, is_supported)
        for table, is_supported in ((SUPPORTED, True), (REFUTED, False))
        for evidence, claims in table.items()
        for claim in claims
    ],
)
def test_a_claim_is_supported_or_not(evidence: str, claim: str, is_supported: bool) -> None:
    assert holds(evidence, claim) is is_supported


CONFIRMED, REFUTED_BY, UNJUDGED = "confirmed", "refuted", "unjudged"


@pytest.mark.parametrize(
    ("printed", "prose", "judgement"),
    [
        ("3400", "Es sind 3.400 Stück.", UNJUDGED),
        ("3.4", "Es sind 3.400 Stück.", UNJUDGED),
        ("3400000", "Es sind 3.400 Mio. EUR.", UNJUDGED),
        ("3.4e9", "Es sind 3.400 Mio. EUR.", UNJUDGED),
        ("3400000", "Es sind 3.400 Mio. EUR und 2,5 %.", UNJUDGED),
        ("3.4e9", "Es sind 3.400 Mio. EUR und 2,5 %.", CONFIRMED),
        ("3400000", "It is 3.400 million, 2.5 %.", CONFIRMED),
        ("3400", "Es sind 3.400 Stück, also 12,5 %.", CONFIRMED),
        ("3.4", "Es sind 3.400 Stück, also 12,5 %.", UNJUDGED),
        ("3.401", "Es sind 3.400 Stück.", REFUTED_BY),
        ("5117", "It is 5,117.", CONFIRMED),
        ("5.117", "It is 5,117.", UNJUDGED),
        ("5.117", "It is 5,117 %, not 12,5 %.", CONFIRMED),
        ("5117", "It is 5,118.", REFUTED_BY),
        ("12.3457", "It is 12.346.", CONFIRMED),
        ("12.346", "It is 12.346.", CONFIRMED),
        ("12346", "It is 12.346.", UNJUDGED),
        ("3.4", "It is 3.400, not 2.5.", CONFIRMED),
        ("3.5", "Es sind 3,5.", CONFIRMED),
        ("3 and 5", "It is 3,5.", UNJUDGED),
        ("3", "It is 3,5.", REFUTED_BY),
        ("3 and 5", "It is 3,5 %.", REFUTED_BY),
        ("49 and 75", "Er kostet 49,75 €.", REFUTED_BY),
        ("3,5", "It is 3.5.", UNJUDGED),
        ("1234", "Il y en a 1 234.", CONFIRMED),
        ("1 and 234", "Il y en a 1 234.", UNJUDGED),
        ("1", "Il y en a 1 234.", REFUTED_BY),
        ("1.5e12", "Le total est de 1,5 billions.", UNJUDGED),
        ("1.5e9", "It is 1.5 billion.", CONFIRMED),
        ("12.5", "Das sind 12,5 Mio. EUR.", UNJUDGED),
        ("12500000", "To je 12,5 milionu.", UNJUDGED),
        ("12400000", "To je 12,5 milionu.", REFUTED_BY),
        ("0.032", "Se on 3,2 prosenttia.", UNJUDGED),
        ("-3.2", "Er sank um 3,2 %.", UNJUDGED),
        ("-3.2", "It rose by 3.2 %.", REFUTED_BY),
        ("12.5", "2020 waren es 12,5 %.", UNJUDGED),
        ("12.5", "Seit 2020 sind es 12,5 %.", CONFIRMED),
        ("5117", "Rund 5.100 Stück, also 2,5 %.", CONFIRMED),
        ("-1234", "A result of (1,234), not 2.5.", UNJUDGED),
        ("-1234", "A loss of ($1,234)", UNJUDGED),
        ("12500000", "| Umsatz (Mio. €) |\n|---|\n| 12,5 |", UNJUDGED),
        ("12400000", "| Umsatz (Mio. €) |\n|---|\n| 12,5 |", REFUTED_BY),
        ("0.125", "| Share (%) |\n|---|\n| 12.5 |", UNJUDGED),
        ("12500", "In thousands: 12.5", UNJUDGED),
        ("10000000", "10\u201320 Mio. EUR", UNJUDGED),
        ("10000000", "10 à 20 millions", UNJUDGED),
        ("0.005", "5 ‰", UNJUDGED),
        ("12667000000", "To 12,667 mld zł.", UNJUDGED),
        ("12667000000000", "To 12,667 mld zł.", UNJUDGED),
        ("12668000000", "To 12,667 mld zł.", REFUTED_BY),
        ("12667000000000", "It is 12,667 billion.", CONFIRMED),
        ("0.006", "5 ‰", REFUTED_BY),
        ("0.005", "50 bps", UNJUDGED),
        ("5117", "more than 5,000", UNJUDGED),
        ("0.00002", "p < 0.001", UNJUDGED),
        ("12.5", "Im 3. Quartal waren es 12,5 %.", UNJUDGED),
        ("123456", "Rs.1,23,456", CONFIRMED),
        ("123457", "Rs.1,23,456", REFUTED_BY),
        ("35000000", "₹3.5 Cr", CONFIRMED),
        ("0.5", "\\frac{1}{2}", CONFIRMED),
    ],
)
def test_a_writing_with_several_meanings_is_not_judged_by_the_wrong_one(
    printed: str, prose: str, judgement: str
) -> None:
    evidence, claim = printed_figures(printed), figures_in(prose)[0]
    if any(supports(figure, claim) for figure in evidence):
        assert judgement == CONFIRMED
    else:
        assert judgement == (UNJUDGED if may_support(evidence, claim) else REFUTED_BY)


LOCALES = {
    # marks of groups and of decimals, by the Unicode CLDR
    "en": (",", "."),
    "de, es, it, nl, pt, id, tr, da": (".", ","),
    "fr": ("\u202f", ","),
    "pl, cs, sv, ru, uk, fi, nb": ("\u00a0", ","),
    "with plain spaces": (" ", ","),
    "de-CH": ("\u2019", "."),
    "de-AT": ("\u00a0", ","),
    "fa, ar": ("\u066c", "\u066b"),
}
UNITS = {" %": 1, " €": 1, "": 1, " Mio. EUR": 10**6, " Stück": 1, " kg": 1}
written = st.decimals(min_value="0.01", max_value="1e12", places=2, allow_nan=False)


def written_in(locale: str, value: Decimal) -> str:
    groups, decimals = LOCALES[locale]
    return f"{value:,f}".translate({ord(","): groups, ord("."): decimals})


@pytest.mark.parametrize("locale", LOCALES)
@given(
    value=written, places=st.integers(0, 2), unit=st.sampled_from(sorted(UNITS)), other=written | st.none()
)
def test_a_figure_in_any_locale_is_not_rejected_nor_confirmed_wrongly(
    locale: str, value: Decimal, places: int, unit: str, other: Decimal | None
) -> None:
    value = value.quantize(Decimal(1).scaleb(-places))
    [claim] = figures_in(f"Der Wert {written_in(locale, value)}{unit}")
    own = printed_figures(f"{value * UNITS[unit]:f}")
    assert any(supports(figure, claim) for figure in own) or may_support(own, claim)
    for wrong in filter(None, (value / 1000, value + 3, other)):
        printed = f"{(wrong * UNITS[unit]).normalize():f}"
        is_close = abs(wrong - value) <= Decimal(1).scaleb(-places) or abs(wrong * 100 - value) <= 1
        if not is_close and printed not in claim.text:  # "1.234" for 1.234 may be a copy
            assert not any(supports(figure, claim) for figure in printed_figures(printed))


exact = st.decimals(min_value=10, max_value="1e8", places=6, allow_nan=False)


@given(value=exact, places=st.integers(0, 6))
def test_a_value_supports_what_it_rounds_to_and_nothing_beyond(value: Decimal, places: int) -> None:
    step = Decimal(1).scaleb(-places)
    rounded = value.quantize(step, ROUND_HALF_EVEN)
    assert holds(f"{value:f}", f"{rounded:,f}")
    assert holds(f"{value:f}", f"{rounded:f}")
    assert not holds(f"{value:f}", f"{rounded + 2 * step:f}")
    assert not holds(f"{value:f}", f"{rounded - 2 * step:f}")


@given(value=exact, digits=st.integers(2, 9))
def test_significant_digits_are_enough(value: Decimal, digits: int) -> None:
    assert holds(f"{value:f}", f"{value:.{digits - 1}e}")


@given(value=exact)
def test_percentages_are_fractions(value: Decimal) -> None:
    fraction = value.scaleb(-2)
    assert holds(f"{fraction:f}", f"{value:f} %")
    assert holds(f"{fraction:f}", f"{fraction * 100:.1f} %")

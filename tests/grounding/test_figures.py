"""Figures: what is one, what it is worth, and what only looks like one."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.grounding.figures import (
    Figure,
    figures_in,
    printed_figures,
    stated_figures,
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
    "12500000 EUR": [
        "12,5 Mio. EUR",
        "12,5 Mio. Euro",
        "12,5 M€",
        "EUR 12,5 Mio.",
        "12,5 millones €",
        "12,5 miljoen €",
    ],
    "-12.5 %": ["-12,5 %", "\u221212,5 %", "\u201312,5 %"],
    "1234500000": [
        "1 234,5 millions",
        "1 234,5 millions d'euros",
        "1 234,5 millions d\u2019euros",
        "1.234,5 Millionen",
        "1 234,5 mln",
    ],
    "3400000000": [
        "3,4 Mrd.",
        "3,4 milliards",
        "3,4 Milliarden",
        "3,4 mil millones",
        "3,4 miljard",
        "3,4 miljarder",
    ],
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

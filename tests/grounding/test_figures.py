"""Reading figures: what is one, what it is worth, and what only looks like one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.grounding.figures import figures_in, printed_figures, stated_figures

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal


def read(text: str) -> list[tuple[str, str]]:
    return [(f"{figure.value.normalize():f}", figure.unit) for figure in figures_in(text)]


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("5117", "5117", ""),
        ("The sum is 5117.", "5117", ""),
        ("5,117", "5117", ""),
        ("1,234,567.8", "1234567.8", ""),
        ("1\u202f234\u202f567,8", "1234567.8", ""),
        ("1\u00a0234", "1234", ""),
        ("1\u2009234.5", "1234.5", ""),
        ("1.234,5", "1234.5", ""),
        ("1.234.567,8", "1234567.8", ""),
        ("1'234'567", "1234567", ""),
        ("1\u2019234.5", "1234.5", ""),
        ("1_234_567", "1234567", ""),
        (r"5{,}117", "5117", ""),
        (".5", "0.5", ""),
        ("-5", "-5", ""),
        ("\u22125.5", "-5.5", ""),
        ("it is (-3)", "-3", ""),
        ("x=5", "5", ""),
        ("**42**", "42", ""),
        ("`42`", "42", ""),
        ("$5117$ in LaTeX", "5117", ""),
        (r"\(5117\)", "5117", ""),
        ("1.2e6", "1200000", ""),
        ("1.2E-3", "0.0012", ""),
        ("1.2 x 10^6", "1200000", ""),
        ("5.97 \u00d7 10^24 kg", "5970000000000000000000000", "kg"),
        ("5.97\u00d710²⁴ kg", "5970000000000000000000000", "kg"),
        (r"$1.5 \times 10^{6}$", "1500000", ""),
        ("6.7·10⁻³", "0.0067", ""),
        ("10^6", "1000000", ""),
        ("2*10**3", "2000", ""),
        ("12 %", "12", "%"),
        ("12%", "12", "%"),
        (r"15.3\%", "15.3", "%"),
        ("12 percent", "12", "%"),
        ("12 per cent", "12", "%"),
        ("2.5 percentage points", "2.5", "%"),
        ("3.4 million", "3400000", ""),
        ("3.4-million", "3400000", ""),
        ("2 hundred thousand", "200000", ""),
        ("7 billion people", "7000000000", ""),
        ("three million", "3000000", ""),
        ("three hundred and five thousand and one", "305001", ""),
        ("USD1,200", "1200", "USD"),
        ("it is no. 5 remain", "5", ""),
        ("5k", "5000", ""),
        ("7B", "7000000000", ""),
        ("3M", "3000000", ""),
        ("$1.2bn", "1200000000", "USD"),
        ("$1.2b", "1200000000", "USD"),
        ("€3m", "3000000", "EUR"),
        ("US$ 5.5 million", "5500000", "USD"),
        ("-$5", "-5", "USD"),
        ("$-5", "-5", "USD"),
        ("$1,234.50", "1234.5", "USD"),
        ("20 EUR", "20", "EUR"),
        ("20 dollars", "20", "USD"),
        ("£9.99", "9.99", "GBP"),
        ("3/4", "0.75", ""),
        ("2 1/2", "2.5", ""),
        ("½", "0.5", ""),
        ("2½ miles", "2.5", "mi"),
        ("3/4 million", "750000", ""),
        ("5km", "5", "km"),
        ("5 kilometres", "5", "km"),
        ("5 km²", "5", "km²"),
        ("5 square kilometers", "5", "km²"),
        ("5.51 g/cm³", "5.51", "g/cm³"),
        ("300 K", "300", "K"),
        ("5km/hr", "5", ""),
        ("12.5mA", "12.5", ""),
        ("-40 °C", "-40", "°C"),
        ("a 24-hour day", "24", "h"),
        ("3x faster", "3", "\u00d7"),
        ("2.5-fold", "2.5", "\u00d7"),
        ("5117¹", "5117", ""),
        ("合計は5117です", "5117", ""),
        ("there were 2020 cases", "2020", ""),
        ("The sum is 1999.", "1999", ""),
        ("in 1999 cases", "1999", ""),
        ("the total (1500)", "1500", ""),
        ("42. That is the answer.", "42", ""),
    ],
)
def test_a_figure_is_read_as_its_value(text: str, value: str, unit: str) -> None:
    assert read(text) == [(value, unit)]


@pytest.mark.parametrize(
    "text",
    [
        "the 1st, 2nd, 23rd and 1,000th",
        "July 20, 1969",
        "20 July 1969",
        "the 3rd of March 2021",
        "May 1969",
        "2020-01-05",
        "2020-01-05T12:30:00Z",
        "01/05/2020",
        "5.1.2020",
        "at 12:30 pm and at 5 p.m.",
        "in 1969, the crew",
        "since 2010.",
        "1990\u20131995",
        "the 2020 census",
        "the 1960s",
        "[1] and [2, 3] and [1\u20133] and [^4]",
        "1. one\n2. two\n3. three",
        "- 1) one\n- 2) two",
        "1. one\n1. two",
        "Section 3.2 and Table 1 and page 12",
        "pages 12\u201314, Fig. 3, No. 5",
        "GPT-4 and COVID-19",
        "input_file_0.csv",
        "3D, 5G and 1A",
        "H2O and CO2 and x1",
        "Python 3.11",
        "v1.2.3 and 192.168.1.1",
        "https://example.org/2020/5?x=3",
        "write to a5@b6.example",
        "0x1F4",
        "2024_sales.csv",
        "#5",
        "two moons and three rings",
        "```python\nx = 5\n```",
        "1" * 101,
        "1e999",
        "1/0",
        "no digits at all",
        "",
    ],
)
def test_what_states_no_value_is_no_figure(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("10-20", ["10", "20"]),
        ("2x4", ["2", "4"]),
        ("10\u201320", ["10", "20"]),
        ("from 3 to 5", ["3", "5"]),
        ("1,234,56", ["1", "234", "56"]),
        ("12,34,567", ["12", "34", "567"]),
        ("(3,5)", ["3", "5"]),
        ("1 234", ["1", "234"]),
        ("3:1", ["3", "1"]),
        ("In 1969 they took 21.5 kg", ["21.5"]),
        ("1. It is 5.\n2. It is 6.", ["5", "6"]),
        ("$5 and $6", ["5", "6"]),
    ],
)
def test_figures_side_by_side(text: str, values: list[str]) -> None:
    assert [value for value, _ in read(text)] == values


def test_a_figure_knows_its_place_and_precision() -> None:
    text = "It was about 5,100 km, or 3.2 million steps."
    rough, exact = figures_in(text)
    assert text[rough.start : rough.end] == rough.text == "5,100 km"
    assert (rough.step, rough.is_rough) == (100, True)
    assert (exact.text, exact.step, exact.digits) == ("3.2 million", 100_000, 2)


def test_brackets_cite_only_documents_that_there_are() -> None:
    text = "The factors are [2, 3] and the sum is 5 [4]."
    assert [figure.text for figure in figures_in(text, documents=1)] == ["2", "3", "5"]
    assert [figure.text for figure in figures_in(text)] == ["5"]


def test_what_is_told_includes_years_and_words() -> None:
    told = stated_figures("Since 1979 it has two moons and 3 rings.")
    assert [figure.value for figure in told] == [1979, 2, 3]


@pytest.mark.parametrize(
    ("output", "values"),
    [
        ("[1, 2, 3.5]", ["1", "2", "3.5"]),
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
    assert [f"{figure.value.normalize():f}" for figure in printed_figures(output)] == values


numbers = st.decimals(min_value="-1e12", max_value="1e12", places=3, allow_nan=False)


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
    if "," in text and abs(value) < 1000 and "\u202f" not in text and "." not in text:
        return  # a decimal comma alone is not read: "3,5" are two figures as often
    [figure] = figures_in(f"The value is {text} exactly.")
    assert figure.value == value


@given(value=numbers, scale=st.sampled_from([("thousand", 3), ("million", 6), ("billion", 9)]))
def test_a_scale_multiplies(value: Decimal, scale: tuple[str, int]) -> None:
    [figure] = figures_in(f"{value:f} {scale[0]}")
    assert figure.value == value.scaleb(scale[1])


@given(st.text(alphabet="0123456789.,-+eE%$€ \n\u202f/\u00d7^½[]()kMbn", max_size=60))
def test_nothing_raises_and_places_are_right(text: str) -> None:
    for figure in [*figures_in(text), *stated_figures(text), *printed_figures(text)]:
        assert text[figure.start : figure.end] == figure.text
        assert figure.value.is_finite()


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    for figure in [*figures_in(text), *stated_figures(text), *printed_figures(text)]:
        assert 0 <= figure.start < figure.end <= len(text)

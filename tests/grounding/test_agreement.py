"""Which figure bears out which claim."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.grounding.figures import figures_in, printed_figures, supports


def holds(evidence: str, claim: str) -> bool:
    [stated] = printed_figures(evidence)
    [claimed] = figures_in(claim)
    return supports(stated, claimed)


@pytest.mark.parametrize(
    ("evidence", "claim"),
    [
        ("5117", "5,117"),
        ("5117.3", "about 5,117"),
        ("5117.3", "5,117"),
        ("5117.3", "5.12 thousand"),
        ("5117.3", "about 5,100"),
        ("4960", "about 5,000"),
        ("0.153", "15.3 %"),
        ("15.3", "15.3 %"),
        ("15.34", "15.3 %"),
        ("0.15342", "15.3 percent"),
        ("15.3%", "15.3"),
        ("15.3%", "0.153"),
        ("2312000", "2.3 million"),
        ("2.3e6", "2,300,000"),
        ("1234567890", "$1.2bn"),
        ("5.97e24", "5.97 \u00d7 10^24 kg"),
        ("0.30000000000000004", "0.3"),
        ("2.9999999999999996", "3"),
        ("0.75", "3/4"),
        ("0.3333", "1/3"),
        ("0.6666666667", "2/3"),
        ("4.96", "about 5"),
        ("-3.2", "-3.2"),
        ("-3.2", "fell by 3.2 %"),
        ("-3.2", "a decrease of 3.2 %"),
        ("-0.032", "3.2 % lower"),
        ("2.5", "2.5"),
        ("0.125", "0.12"),
        ("0.125", "0.13"),
        ("5 km", "5 kilometers"),
        ("12.50 USD", "$12.5"),
    ],
)
def test_a_claim_is_borne_out(evidence: str, claim: str) -> None:
    assert holds(evidence, claim)


@pytest.mark.parametrize(
    ("evidence", "claim"),
    [
        ("5117", "5,118"),
        ("5117.9", "5,117"),
        ("5117.3", "5,100"),
        ("4600", "about 5,000"),
        ("5100", "5,117"),
        ("2.3e6", "2.31 million"),
        ("2312000", "2 million"),
        ("4.6", "5"),
        ("4.96", "5"),
        ("15.3", "7 %"),
        ("1.53", "15.3 %"),
        ("15.3%", "1.53"),
        ("-3.2", "3.2"),
        ("3.2", "-3.2"),
        ("0.33", "1/3"),
        ("0.3334", "1/3"),
        ("5 kg", "5 km"),
        ("5 km", "5,000 m"),
        ("12.5 EUR", "$12.5"),
        ("0", "0.4"),
        ("10000000000000001", "10,000,000,000,001,001"),
    ],
)
def test_a_claim_is_not_borne_out(evidence: str, claim: str) -> None:
    assert not holds(evidence, claim)


exact = st.decimals(min_value=10, max_value="1e8", places=6, allow_nan=False)


@given(value=exact, places=st.integers(0, 6))
def test_a_value_supports_what_it_rounds_to(value: Decimal, places: int) -> None:
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    assert holds(f"{value:f}", f"{rounded:,f}")
    assert holds(f"{value:f}", f"{rounded:f}")


@given(value=exact, digits=st.integers(2, 9))
def test_significant_digits_are_enough(value: Decimal, digits: int) -> None:
    assert holds(f"{value:f}", f"{value:.{digits - 1}e}")


@given(value=exact, places=st.integers(0, 6))
def test_a_value_supports_nothing_beyond_rounding(value: Decimal, places: int) -> None:
    step = Decimal(1).scaleb(-places)
    rounded = value.quantize(step, ROUND_HALF_EVEN)
    assert not holds(f"{value:f}", f"{rounded + 2 * step:f}")
    assert not holds(f"{value:f}", f"{rounded - 2 * step:f}")


@given(value=exact)
def test_percentages_are_fractions(value: Decimal) -> None:
    fraction = value.scaleb(-2)
    assert holds(f"{fraction:f}", f"{value:f} %")
    assert holds(f"{fraction:f}", f"{fraction * 100:.1f} %")

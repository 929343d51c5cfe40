"""Figures: which of them supports which, and what nobody can judge."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.grounding.figures import figures_in, may_support, printed_figures, supports


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


def judged(printed: str, prose: str) -> str:
    """What a program's output says of the first figure of a text."""
    evidence, claim = printed_figures(printed), figures_in(prose)[0]
    if any(supports(figure, claim) for figure in evidence):
        return CONFIRMED
    return UNJUDGED if may_support(evidence, claim) else REFUTED_BY


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
    assert judged(printed, prose) == judgement


NEGATIVE = [
    *("Ergebnis (1.234,50) EUR", "Ergebnis: (1.234,50)", "Perte (1 234,50) €", "Pérdida: $( 1.234,50 )", "Wynik: (1 234,50) zł"),
    *("| Perdita | (1.234,50) |", "Strata: **(1 234,50)**, zysk: 5", "Verlies: ( \u20ac 1.234,50 )\n", "  (1,234.50)  7"),
    *("Es sind \u2212 1.234,50.", "Solde : - 1 234,50", "= - 1,234.50", "Saldo \u20ac \u2013 1.234,50", "| \u2013 1.234,50 |"),
    *("1.234,50-", "1.234,50\u2212 EUR", "| 1,234.50- |"),
    *("Bei minus 1.234,50", "Soit moins 1 234,50", "Son menos 1.234,50", "Sono meno 1.234,50", "It is minus 1,234.50"),
]  # fmt: skip
EITHER = [
    *(
        "It (1,234.50) is",
        "Gewinn (1.234,50) ist",
        "- 1,234.50 tonnes",
        "Total - 1,234.50",
        "They are:\n- 1,234.50 t",
        "a |\n\u2013 1,234.50",
        "\u25b2 1,234.50",
    ),
]
POSITIVE = [
    *(
        "a[i] \u2212 1,234.50",
        "x) \u2013 1,234.50",
        "au moins 1234.5",
        "al menos 1234.5",
        "a 1,234.50- to 2,000-fold",
    ),
]


@pytest.mark.parametrize(
    ("prose", "by_positive", "by_negative"),
    [
        *((prose, UNJUDGED, CONFIRMED) for prose in NEGATIVE),
        *((prose, CONFIRMED, UNJUDGED) for prose in EITHER),
        *((f"{sign}1,234.50", REFUTED_BY, CONFIRMED) for sign in "-\u2010\u2011\u2013\u2212\ufe63\uff0d"),
        *((prose, CONFIRMED, REFUTED_BY) for prose in POSITIVE),
        *((f"{arrow} 1,234.50", CONFIRMED, CONFIRMED) for arrow in ("\u25bc", "\u2193", "fell by")),
    ],
)
def test_a_sign_that_stands_apart_is_not_lost(prose: str, by_positive: str, by_negative: str) -> None:
    assert judged("1234.5", prose) == by_positive
    assert judged("-1234.5", prose) == by_negative
    assert judged("1235.5", prose) == judged("-1235.5", prose) == REFUTED_BY


@pytest.mark.parametrize("printed", ["Net (1,234.50)", "Net:  (1,234.50)", "Net  1,234.50-"])
def test_programs_print_negative_amounts_as_accounts_do(printed: str) -> None:
    assert judged(printed, "It is -1,234.50.") in (CONFIRMED, UNJUDGED)
    assert judged(printed, "It is -1,235.50.") == REFUTED_BY


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

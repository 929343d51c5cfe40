"""Laws of numbers: random expressions give Python's value, number words give their digits."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.emulator.rules.numerals import in_digits, literal, literals
from langchain_codeexec.emulator.rules.question import Question
from langchain_codeexec.emulator.rules.skills import solve
from langchain_codeexec.emulator.rules.skills.arithmetic import expression_in

NUMBERS = st.integers(0, 10**6) | st.decimals(0, 1000, places=2)
OPERATORS = {
    "+": "+",
    "-": "-",
    "*": "*",
    "plus": "+",
    "minus": "-",
    "times": "*",
    "/": "/",
    "divided by": "/",
}


@st.composite
def expressions(draw, depth=3):
    """An expression as people write it, and as Python does."""
    if depth == 0 or draw(st.booleans()):
        number = draw(NUMBERS)
        written = f"{number:,}" if draw(st.booleans()) else str(number)
        return written, str(number)
    spoken = draw(st.sampled_from(sorted(OPERATORS)))
    left, right = draw(expressions(depth=depth - 1)), draw(expressions(depth=depth - 1))
    return f"({left[0]}) {spoken} ({right[0]})", f"({left[1]}) {OPERATORS[spoken]} ({right[1]})"


@given(
    expressions(), st.sampled_from(["What is {}?", "Calculate {}", "{} =", "Please compute {} using Python."])
)
def test_the_result_is_pythons(expression, frame):
    written, source = expression
    if source.replace(".", "").isdigit():
        return
    tree = expression_in(frame.format(written))
    assert tree is not None
    assert ast.dump(tree) == ast.dump(ast.parse(source, mode="eval").body)


@given(expressions())
def test_the_program_prints_pythons_result(expression):
    written, source = expression
    if source.replace(".", "").isdigit():
        return
    solution = solve(Question.of(f"What is {written}?"))
    try:
        expected = eval(source)
    except ZeroDivisionError:
        return
    printed = {}
    exec(solution.code, {"print": lambda text: printed.update(result=text)})
    assert printed["result"] == f"result = {expected!r}"
    assert solution.sentence(printed["result"]).endswith(f"is {expected!r}.")


UNIT_WORDS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
UNITS, TENS = UNIT_WORDS.split(), TEN_WORDS.split()


def spelled(number):
    for value, word in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= value:
            rest = number % value
            joint = " and " if value == 100 else " "
            return f"{spelled(number // value)} {word}{joint + spelled(rest) if rest else ''}"
    if number >= 20:
        return TENS[number // 10 - 2] + (f"-{UNITS[number % 10]}" if number % 10 else "")
    return UNITS[number]


@given(st.integers(0, 10**12 - 1).filter(lambda number: number != 1))
def test_number_words_give_their_digits(number):
    assert in_digits(spelled(number)) == str(number)


@given(st.integers(-(10**12), 10**12) | st.floats(-1e6, 1e6))
def test_a_literal_means_the_number(number):
    assert ast.literal_eval(literal(str(number))) == number


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2), st.sampled_from([", ", "; ", " "]))
def test_lists_are_read_whole(numbers, separator):
    assert [
        int(number)
        for number in literals(
            separator.join(f"{number:,}" if separator != " " else str(number) for number in numbers)
        )
    ] == numbers


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("one of them", "one of them"),
        ("one plus one", "1 plus 1"),
        ("a dozen eggs and a hundred more", "12 eggs and 100 more"),
        ("2.5 million", "2500000"),
        ("2.1234567 million", "2.1234567 million"),
        ("three and four", "3 and 4"),
        ("the tenth prime", "the 10th prime"),
        ("Twenty One", "21"),
        ("someone often", "someone often"),
    ],
)
def test_words_that_are_no_numbers_stay(text, digits):
    assert in_digits(text) == digits

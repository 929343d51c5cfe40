"""Follow-up questions reuse the rule and the result of what was asked before."""

from __future__ import annotations

import pytest

CODE = [{"codeExecution": {}}]


@pytest.fixture
def chat(respond):
    contents = []

    def say(text):
        contents.append({"role": "user", "parts": [{"text": text}]})
        parts = respond({"contents": contents, "tools": CODE})
        contents.append({"role": "model", "parts": parts})
        return parts[-1]["text"]

    return say


@pytest.mark.parametrize(
    "turns",
    [
        [("What is the sum of the first 10 positive integers?", "55"), ("and of the first 20?", "210"), ("now double it", "420"), ("Now subtract 5", "415")],
        [("What is the mean of 1, 2, 3, 10?", "is 4"), ("and the median?", "2.5"), ("what about the maximum?", "not a language model")],
        [("sum of the first 5 primes", "28"), ("and the product?", "2310"), ("and of the first 3?", "30")],
        [("Convert 5 miles to km", "8.04672"), ("what about 10 miles?", "16.09344"), ("and in feet?", "52800")],
        [("Is 7 prime?", "7 is a prime"), ("and 8?", "8 is not a prime")],
        [("What is 15% of 80?", "12.0"), ("and 20%?", "16.0"), ("what about of 200?", "40.0")],
        [("What is 6 * 7?", "42"), ("plus 8", "50"), ("divided by 5", "10.0"), ("add 5 to it", "15"), ("what is the square root of that?", "3.87"), ("multiply by 2", "7.7459")],
        [("What is 6 * 7?", "42"), ("What is 3 + 4?", "is 7."), ("squared", "49")],
        [("sum of primes below 10", "17"), ("How about below 20?", "77")],
        [("sum of the first 5 primes", "28"), ("What is the sum of the first 3 primes?", "10")],
        [('Convert "abc" to uppercase', "ABC"), ("And what is 2 + 2?", "is 4.")],
    ],
)  # fmt: skip
def test_a_conversation(chat, turns):
    for question, expected in turns:
        assert expected in chat(question)


@pytest.mark.parametrize(
    "turns",
    [
        [("Hello", "Hello!"), ("and of the first 20?", "not a language model")],
        [("What is 6 * 7?", "42"), ("and what is the capital of France?", "not a language model")],
        [("What is the mean of 1, 2 and 3?", "is 2"), ("and for 7?", "not a language model")],
        [("What is the meaning of life?", "not"), ("double it", "not a language model")],
        [("List primes below 10", "7]"), ("double it", "not a language model")],
        [("Is 7 prime?", "prime"), ("now paint 8 pictures", "not a language model")],
    ],
)
def test_a_follow_up_that_does_not_fit_is_not_guessed(chat, turns):
    for question, expected in turns:
        assert expected in chat(question)


def test_the_seed_conversation(respond):
    contents = [
        {"role": "user", "parts": [{"text": 'Can you print "Hello world!"?'}]},
        {
            "role": "model",
            "parts": [
                {"text": ""},
                {"executableCode": {"language": "PYTHON", "code": '\nprint("hello world!")\n'}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "hello world!\n"}},
                {"text": 'I have printed "hello world!".'},
            ],
        },
        {
            "role": "user",
            "parts": [{"text": "What is the sum of the first 50 prime numbers? Make sure you get all 50."}],
        },
    ]
    assert "5117" in respond({"contents": contents, "tools": CODE})[-1]["text"]

"""What the rules cannot do they say, and no number is made up."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec.emulator.brain import Prompt
from langchain_codeexec.emulator.rules import RuleBrain
from langchain_codeexec.executions import ExecutionResult, Outcome


@pytest.mark.parametrize(
    "question",
    [
        "What is the meaning of life?",
        "Who won the world cup in 2018?",
        "If I have 3 apples and buy 5 more, how many do I have?",
        "What is the population of France divided by 2?",
        "What is the average salary in Germany?",
        "What is the sum of the salaries of the first 10 employees in my database?",
        "What is the distance from Paris to London in km?",
        "I have 10 apples, 5 oranges and 3 bananas. How many pears do I have?",
        "John is twice as old as Mary. Mary is 12. How old is John?",
        "A train travels 60 km in 2 hours. What is its speed?",
        "Call me at 555-1234",
        "The meeting is on 2024-05-06",
        "What happened on 2001-09-11?",
        "Translate 'hello' to French",
        "How many r's are in my name?",
        "Write a poem about primes",
        "Explain how compound interest works",
        "Who is the author of 1984?",
        "What are the first 10 amendments?",
        "List the first 5 presidents of the USA",
        "Is it going to rain between 3 and 5 pm?",
        "If x = 3, what is x + 1?",
        "There are 9,300 pennies in a cup. What is the total amount in dollars?",
        "Two years ago Mark was 5 years older than Jan. How old is Jan?",
        "He adds cheese for $1.00 and 2 sauces. What is the total?",
        "How many hours a week does she dance?",
        "Is 1010 a good number?",
        "What is the mean of [1, 2] and [3, 4]?",
        "(((((",
        "1 +",
        "(" * 400 + "1",
        "__import__('os').system('true') + 1",
        "Solve x^3 = 27",
        "Solve x + y = 3",
        "choose 5 from 3",
        "convert 5 miles to kg",
        "convert zz to base 99",
        "12 to base 1",
        "What is the 0th prime?",
        "largest prime below 2",
        "next prime after 2.5",
        "is 2.5 prime?",
        "primes between 1.5 and 3",
        "primes below 7.5",
        "gcd of 1.5 and 3",
        "prime factors of 0",
        "fibonacci(99999)",
        "first 2.5 fibonacci numbers",
        "arrange the letters of SECRET",
        "Collatz of 0",
        "What is the 0th percentile of 1, 2, 3?",
        "10 + 8 + 6 + ... + 2",
        "sum of the first 1.5 integers",
        "sum of integers from 1.5 to 3",
        "How many days from the 5th of Marchuary 2024 to 2024-05-05?",
        "What weekday is 2024-02-30?",
        "2.5 weeks after 2024-01-01",
        "solve 0x = 3",
        "solve x + 1 = x + 2",
        "What is the quadratic with a=0, b=1, c=2?",
        "reverse it",
        "length of it",
        "A loan of $1000 at 5% for 2 years is a lot, is it not?",
        "5000 in roman numerals",
        "days between 2024-02-30 and 2024-13-01",
        "How many days are in January 0000?",
    ],
)
def test_an_unanswerable_question_gets_an_honest_reply(ask, question):
    (part,) = ask(question)
    assert "not a language model" in part["text"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello", "Hello!"),
        ("hi there", "Hello!"),
        ("how are you", "rules"),
        ("Thanks!", "welcome"),
        ("What can you do?", "arithmetic"),
        ("Tell me a joke about cats", "stock joke"),
        ("Write me 5 sentences", "My answers come from a table of rules."),
        ("Count to 3", "1, 2, 3."),
    ],
)
def test_small_talk_is_canned_and_says_so(ask, text, said):
    (part,) = ask(text, tools=[])
    assert said in part["text"]


def test_without_the_tool_it_does_not_compute(ask):
    (part,) = ask("What is 17 * 23?", tools=[])
    assert "codeExecution" in part["text"]
    assert "391" not in part["text"]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(b"x" * 42).decode()}},
            "image/png, 42 bytes",
        ),
        ({"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}}, "application/pdf, 3 bytes"),
        ({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v.mp4"}}, "video/mp4 at gs://b/v.mp4"),
    ],
)
@pytest.mark.parametrize("text", ["Describe this image.", ""])
def test_files_are_named_not_described(respond, part, said, text):
    (answer,) = respond({"contents": [{"role": "user", "parts": [part, {"text": text}]}]})
    assert said in answer["text"]
    assert "cannot see" in answer["text"]


def answer_after(result):
    request = {"contents": [{"parts": [{"text": "What is 3 + 4?"}]}], "tools": [{"codeExecution": {}}]}
    turn = RuleBrain().respond(Prompt("m", "vertex", request))
    next(turn), next(turn)
    return turn.send(result)["text"]


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (ExecutionResult(Outcome.OK, stdout="result = 8\n"), "is 8."),
        (ExecutionResult(Outcome.OK, stdout="odd\n"), "printed: odd"),
        (ExecutionResult(Outcome.OK), "The code ran."),
        (
            ExecutionResult(Outcome.FAILED, stderr="Traceback\nValueError: no\n"),
            "failed, so I have no result to give: ValueError: no",
        ),
        (ExecutionResult(Outcome.FAILED), "no reason was given"),
        (
            ExecutionResult(Outcome.DEADLINE_EXCEEDED, detail="30 s"),
            "took too long, so I have no result to give: 30 s",
        ),
        (None, "not run"),
    ],
)
def test_the_answer_says_what_the_run_gave_even_if_it_is_odd(result, said):
    assert said in answer_after(result)


@pytest.mark.parametrize(
    "request_body",
    [
        {},
        {"contents": []},
        {"contents": [{"role": "user", "parts": []}]},
        {"contents": [{"role": "model", "parts": [{"text": "Hi"}]}]},
        {"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": [{"role": "user"}]},
    ],
)
def test_every_request_gets_a_reply(respond, request_body):
    (part,) = respond(request_body)
    assert part["text"]


def test_thoughts_come_first_where_they_are_wanted(ask):
    config = {"thinkingConfig": {"includeThoughts": True}}
    first, *rest = ask("What is 3 + 4?", generationConfig=config)
    assert first["thought"] is True
    assert "code execution" in first["text"]
    assert not any("thought" in part for part in rest)
    assert "no tools" in ask("Hello", tools=[], generationConfig=config)[0]["text"]


@given(st.text(max_size=300))
def test_any_text_gets_parts_and_the_same_ones_every_time(text):
    request = {"contents": [{"parts": [{"text": text}]}], "tools": [{"codeExecution": {}}]}
    first, second = (next(RuleBrain().respond(Prompt("m", "vertex", request))) for _ in range(2))
    assert first == second
    assert first["text"].strip()

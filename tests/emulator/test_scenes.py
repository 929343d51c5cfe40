"""The offline brain: what its scenes and forms answer, and that it answers nothing else."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from langchain_codeexec.emulator import GeminiEmulator
from langchain_codeexec.emulator.scenes import STAND_IN, SceneBrain
from langchain_codeexec.executors.process import ProcessExecutor
from tests.emulator.conftest import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

SALES = "month,units,price,note,units of 2025\nJan,10,1.5,a,1\nFeb,12,2.5,,2\nMar,8,2.5,c,4\n"
LISTING = (
    "Files in the working directory:\n- input_file_0.csv: rows 'sales'; 3 rows\n    month,units\n    Jan,10"
)
DOCUMENT = (
    "What is the sum of the first 50 prime numbers? Generate and run code for the calculation, and make sure you "
    "get all 50."
)
NO_ANSWER, NO_CODE = "has no answer to this one", "does not declare code execution"
PRICE = {"get_price": {"item": {"type": "string"}}}
STOCK = {"pieces_in_stock": {"article": {"type": "string"}}}
BOOK = {"book": {"amount": {"type": "number"}, "account": {"type": "string"}, "urgent": {"type": "boolean"}}}
TASK, CODE = {"code_execution": {"task": {"type": "string"}}}, {"python": {"code": {"type": "string"}}}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with GeminiEmulator(SceneBrain(), ProcessExecutor()) as emulator:
        client = Client(emulator)
        yield client
        client.http.close()


def user(text: str, *more: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": [{"text": text}, *more]}


def csv_file(text: str = SALES) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "text/csv", "data": base64.b64encode(text.encode()).decode()}}


def functions(declared: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "parametersJsonSchema": {
                "type": "object",
                "properties": properties,
                "required": [one for one in properties if one != "urgent"],
            },
        }
        for name, properties in declared.items()
    ]


def asked(
    *contents: Any, code: bool = True, declared: dict[str, Any] | None = None, **body: Any
) -> dict[str, Any]:
    tools = [{"codeExecution": {}}] if code else []
    tools += [{"functionDeclarations": functions(declared)}] if declared else []
    spoken = [user(one) if isinstance(one, str) else one for one in contents]
    return {"contents": spoken, "tools": tools, **body}


def answer(client: Client, *contents: Any, model: str = "gemini-2.5-flash", **settings: Any) -> list[Any]:
    return client.parts(asked(*contents, **settings), model=model)


def calls_in(parts: list[Any]) -> list[tuple[str, Any]]:
    return [
        (one["functionCall"]["name"], one["functionCall"].get("args", {}))
        for one in parts
        if "functionCall" in one
    ]


def text_of(parts: list[Any]) -> str:
    return "".join(part.get("text", "") for part in parts)


# -- questions that code answers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "printed", "said"),
    [
        ('Can you print "Hello world!"?', "Hello world!\n", 'I have printed "Hello world!"'),
        ("What is the sum of the first 10 positive integers?", "total = 55\n", "integers is 55."),
        ("What is the sum of the first 50 prime numbers?", "total = 5117\n", "prime numbers is 5117."),
        (
            DOCUMENT,
            "total = 5117\n",
            "The sum of the first 50 prime numbers is 5117.",
        ),
        ("Compute the product of the first 3 primes.", "product = 30\n", "3 prime numbers is 30."),
        ("Calculate the mean of the first 5 even numbers", "mean = 6\n", "even numbers is 6."),
        ("What is the median of the first 3 odd numbers?", "median = 3\n", "odd numbers is 3."),
        ("What is the sum of the first 10 Fibonacci numbers?", "total = 143\n", "Fibonacci numbers is 143."),
        ("What is 17 * 23?", "result = 391\n", "The result of 17 * 23 is 391."),
        ("what  is\n12 * (3 + 4)?", "result = 84\n", "12 * (3 + 4) is 84."),
        ("Compute 2 ** 10.", "result = 1024\n", "is 1024."),
        ("What is 10-4? Generate and run code for the calculation.", "result = 6\n", "is 6."),
        ("What is 15 % of 249.90?", "result = 37.485\n", "15% of 249.90 is 37.485."),
        ("What is the total of 12.5, 30 and 7.25?", "total = 49.75\n", "the sum is 49.75."),
        ("What is the median of 1, 2, and -3?", "median = 1\n", "1, 2, -3: the median is 1."),
        ("What is the standard deviation of 3, 5, 8 and 13?", "stdev = 4.349", "deviation is 4.349"),
        ("Plot these monthly sales: Jan 10, Feb 12, Mar 9, Apr 15", "points = 4\n", '"Monthly sales"'),
        (
            "Plot a bar chart of the rainfall in mm: January 48, February 40 and March 45.",
            "points = 3\n",
            'bar chart of 3 points, titled "Rainfall in mm".',
        ),
    ],
)
def test_a_program_is_run_and_the_answer_made_of_what_it_prints(client, question, printed, said):
    parts = answer(client, question)
    [run] = [part["codeExecutionResult"] for part in parts if "codeExecutionResult" in part]
    assert run["outcome"] == "OUTCOME_OK"
    assert run["output"].startswith(printed)
    assert said in parts[-1]["text"]
    assert question.startswith("Plot") == any("inlineData" in part for part in parts)


@pytest.mark.parametrize(
    ("question", "printed"),
    [
        ("What is the mean of the units column?", "mean = 10\n"),
        ("What is the total of column price?", "total = 6.5\n"),
        ("What is the sum of the 'units of 2025' column?", "total = 7\n"),
        (
            f"What is the mean of the units column?\n\n{LISTING}",
            "mean = 10\n",
        ),
    ],
)
def test_a_column_of_the_table_is_read_by_the_code(client, question, printed):
    parts = answer(client, user(question, csv_file()))
    assert [part["codeExecutionResult"]["output"] for part in parts if "codeExecutionResult" in part] == [
        printed
    ]


def test_a_scene_may_need_the_question_before_it(client):
    first = "What is the sum of the first 10 positive integers?"
    follow_up = "And of the first 20?"
    turns = [user(first), {"role": "model", "parts": answer(client, first)}, user(follow_up)]
    assert "is 210." in text_of(answer(client, *turns))
    assert NO_ANSWER in text_of(
        answer(client, "Hello", {"role": "model", "parts": [{"text": "Hi"}]}, follow_up)
    )


def test_a_failing_program_gives_no_result(client):
    parts = answer(client, "What is 1 / (2 - 2)?")
    assert parts[2]["codeExecutionResult"]["outcome"] == "OUTCOME_FAILED"
    assert (
        parts[-1]["text"]
        == "The code failed, so there is no result to give: ZeroDivisionError: division by zero\n"
    )


def test_without_code_execution_it_says_so(client):
    assert NO_CODE in text_of(answer(client, "What is 17 * 23?", code=False))


# -- all else ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "Add 12.99, 5.49 and 3.25, then take 10% off",
        "What is the total of 12.99, 5.49 and 3.25, then take 10% off?",
        "What is 17 * 23, and is it prime?",
        "What is 17 * 23? And of 24?",
        "What is 17 * 23 in words?",
        "What is 100 - 10% + 5?",
        "What is 15 % of 249.90 plus 3?",
        "What is 2024-12-09?",
        "What is 555-1234?",
        "What is 1/2/2024?",
        "What is __import__('os')?",
        "What is the sum of the first 50 prime numbers below 20?",
        "What is the sum of the first 50 prime numbers, squared?",
        "What is the sum of the squares of the first 10 positive integers?",
        "What is the sum of the first 50 prime numbers? Make sure you get all 49.",
        "What is the sum of the first 0 primes?",
        "What is the sum of the first fifty primes?",
        "What is the mean of 3, 5 and x?",
        "What is the mean of 3, 5 and 8 without the largest?",
        "What is the mean of 1,234 and 5?",
        "What is the mean of the units column?",
        "Plot a pie chart of the sales: Jan 10, Feb 12",
        "Plot the sales as a line: Jan 10, Feb 12",
        "Plot these monthly sales: Jan 10, Feb 12, and the mean",
        "Was ist 17 * 23?",
        "Quelle est la somme des 10 premiers nombres entiers positifs ?",
        "What is the price of 'blue lamp' in the catalog?",
        "And of the first 20?",
        "Hello",
        "?",
        "What is the mean of 1" + ", 1" * 5000 + "?",
    ],
)
def test_what_no_scene_or_form_covers_as_a_whole_gets_the_honest_answer(client, question):
    parts = answer(client, question)
    assert all(part.keys() == {"text"} for part in parts)
    assert text_of(parts).startswith(STAND_IN)
    assert NO_ANSWER in text_of(parts)
    assert all(remedy in text_of(parts) for remedy in ("LangChainBrain", "--brain ollama:", "--script"))


@pytest.mark.parametrize(
    ("question", "files"),
    [
        ("What is the mean of the cost column?", [csv_file()]),
        ("What is the mean of the note column?", [csv_file()]),
        ("What is the mean of the month column?", [csv_file()]),
        ("What is the mean of the units column by month?", [csv_file()]),
        ("What is the mean of the units column?", [csv_file(), csv_file()]),
        ("What is the mean of the a column?", [csv_file("a,a\n1,2\n")]),
    ],
)
def test_a_column_that_is_not_all_numbers_of_one_table_is_not_answered(client, question, files):
    assert NO_ANSWER in text_of(answer(client, user(question, *files)))


# -- functions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "declared", "called"),
    [
        ("What is the price of 'blue lamp' in the catalog?", PRICE, [("get_price", {"item": "blue lamp"})]),
        (
            "How many pieces of the article 'M8 bolt' are in stock?",
            STOCK,
            [("pieces_in_stock", {"article": "M8 bolt"})],
        ),
        ("get_price('blue lamp')", PRICE, [("get_price", {"item": "blue lamp"})]),
        (
            "What is the value of get_price(item='desk')? Use the tool.",
            PRICE,
            [("get_price", {"item": "desk"})],
        ),
        ('Call pieces_in_stock with article="M8 nut".', STOCK, [("pieces_in_stock", {"article": "M8 nut"})]),
        ("Use get_price for 'desk and chair'", PRICE, [("get_price", {"item": "desk and chair"})]),
        (
            "Call book with amount=5117, account='primes' and urgent=true.",
            BOOK,
            [("book", {"amount": 5117, "account": "primes", "urgent": True})],
        ),
        (
            "get_price('desk') and pieces_in_stock('M8 nut')",
            PRICE | STOCK,
            [("get_price", {"item": "desk"}), ("pieces_in_stock", {"article": "M8 nut"})],
        ),
    ],
)
def test_a_declared_function_is_called_as_the_question_says(client, question, declared, called):
    assert calls_in(answer(client, question, code=False, declared=declared)) == called


@pytest.mark.parametrize(
    "question",
    [
        "Call book with amount=5117.",
        "Call book with amount='much' and account='primes'.",
        "Call book with amount=1, account='a' and colour='red'.",
        "Call sell with amount=1.",
        "get_price('desk') and sell('desk')",
        "get_price('desk') times 3",
        "Do not call get_price('desk')",
        "What does the 'desk' cost?",
        "What is the get_price of 'desk'?",
    ],
)
def test_what_a_question_does_not_state_in_full_is_not_called(client, question):
    assert NO_ANSWER in text_of(answer(client, question, code=False, declared=PRICE | BOOK))


def test_calling_may_be_forbidden(client):
    never = {"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}}
    assert NO_ANSWER in text_of(answer(client, "get_price('desk')", code=False, declared=PRICE, **never))


def after(question: str, *replies: tuple[str, Any, Any]) -> list[dict[str, Any]]:
    """A question, calls and what they returned."""
    return [
        user(question),
        {"role": "model", "parts": [{"functionCall": {"name": name, "args": args}} for name, args, _ in replies]},
        {"role": "user", "parts": [{"functionResponse": {"name": name, "response": {"output": value}}} for name, _, value in replies]},
    ]  # fmt: skip


def test_what_functions_returned_is_repeated_and_calls_left_are_made(client):
    both = "get_price('desk') and pieces_in_stock('M8 nut')"
    price, stock = (
        ("get_price", {"item": "desk"}, 149.5),
        ("pieces_in_stock", {"article": "M8 nut"}, {"pieces": 95}),
    )
    declared = PRICE | STOCK
    assert calls_in(answer(client, *after(both, price), code=False, declared=declared)) == [stock[:2]]
    assert text_of(answer(client, *after(both, price, stock), code=False, declared=declared)) == (
        'get_price(item="desk") returned: 149.5\npieces_in_stock(article="M8 nut") returned: {"pieces": 95}\n'
    )


# -- functions that run code ---------------------------------------------------------------------------------


def test_code_is_delegated_to_a_function_that_runs_it(client):
    question = "What is 17 * 23?"
    [(name, args)] = calls_in(answer(client, question, code=False, declared=PRICE | TASK))
    assert (name, args) == ("code_execution", {"task": question})
    [(name, args)] = calls_in(answer(client, question, code=False, declared=CODE))
    assert (name, args["code"].startswith("result = 17 * 23\n")) == ("python", True)
    told = after(question, ("code_execution", {"task": question}, "[OUTCOME_OK] result = 391\n"))
    assert text_of(answer(client, *told, code=False, declared=TASK)) == "The result of 17 * 23 is 391.\n"


@pytest.mark.parametrize(
    "around",
    [
        "Write and run Python code for this, and answer from what it prints: {}",
        "Write and run Python code for this task, and answer from what it prints.\n\n{}",
    ],
)
def test_a_delegated_task_is_the_question_within(client, around):
    parts = answer(client, "Something else.", around.format("What is 17 * 23?"))
    assert "391" in text_of(parts)
    assert NO_ANSWER in text_of(answer(client, around.format("What is the weather?")))


def test_a_given_program_is_run_as_it_stands(client):
    text = (
        "Run this Python program with the tool exactly as it stands:\n\n````python\nprint('```', 6 * 7)\n````"
    )
    assert {"outcome": "OUTCOME_OK", "output": "``` 42\n"} in [
        part.get("codeExecutionResult") for part in answer(client, text)
    ]


# -- demanded calls and forms --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "allowed", "called"),
    [
        ("Please say something about get_price('desk')!", None, [("get_price", {"item": "desk"})]),
        ("Hello", ["book"], [("book", {"amount": 0, "account": "stand-in"})]),
        ("Hello", ["code_execution"], [("code_execution", {"task": "Hello"})]),
        ("What is 17 * 23?", None, [("code_execution", {"task": "What is 17 * 23?"})]),
        ("What is 17 * 23?", ["get_price"], [("get_price", {"item": "stand-in"})]),
    ],
)
def test_a_demanded_call_is_always_made(client, question, allowed, called):
    calling = {"mode": "ANY", **({"allowedFunctionNames": allowed} if allowed else {})}
    settings = {
        "code": False,
        "declared": BOOK | PRICE | TASK,
        "toolConfig": {"functionCallingConfig": calling},
    }
    assert calls_in(answer(client, question, **settings)) == called


def test_a_function_is_not_called_again_while_another_may_be(client):
    told = after("Hello", ("get_price", {"item": "stand-in"}, 19.99))
    settings = {"code": False, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}
    assert [name for name, _ in calls_in(answer(client, *told, declared=PRICE | BOOK, **settings))] == [
        "book"
    ]


def test_a_demanded_call_is_filled_from_a_run(client):
    declared = PRICE | {"Answer": {"total": {"type": "number"}}}
    settings = {"declared": declared, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}, "includeServerSideToolInvocations": True}}  # fmt: skip
    parts = answer(
        client, "What is the total of 12.5, 30 and 7.25?", model="gemini-3-flash-preview", **settings
    )
    assert calls_in(parts) == [("Answer", {"total": 49.75})]
    question = "What is 17 * 23?"
    told = after(question, ("code_execution", {"task": question}, "[OUTCOME_OK] result = 391\n"))
    settings = {"code": False, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}
    parts = answer(client, *told, declared=TASK | {"Answer": {"number": {"type": "integer"}}}, **settings)
    assert calls_in(parts) == [("Answer", {"number": 391})]


def form(schema: Any, mime_type: str = "application/json") -> dict[str, Any]:
    return {"generationConfig": {"responseMimeType": mime_type, "responseJsonSchema": schema}}


def test_json_is_filled_from_a_run(client):
    schema = {
        "type": "object",
        "properties": {
            "total": {"type": "number"},
            "count": {"type": "integer"},
            "words": {"type": "string"},
        },
        "required": ["total", "count", "words"],
    }
    settings = {"model": "gemini-3-flash-preview", **form(schema)}
    parts = answer(client, "What is the total of 12.5, 30 and 7.25?", **settings)
    filled = json.loads(parts[-1]["text"])
    assert filled == {
        "total": 49.75,
        "count": 0,
        "words": "For the numbers 12.5, 30, 7.25: the sum is 49.75.",
    }
    filled = json.loads(text_of(answer(client, "How many legs has a spider?", code=False, **form(schema))))
    assert (filled["total"], filled["count"], NO_ANSWER in filled["words"]) == (0, 0, True)


def test_json_may_be_wanted_in_a_request_of_its_own(client):
    question, total = "What is the total of 12.5, 30 and 7.25?", {"total": {"type": "number"}}
    history = [user(question), {"role": "model", "parts": [{"text": "total = 49.75"}]}]
    again = "Give the answer now, as JSON, from what is found above."
    schema = {"type": "object", "properties": total, "required": ["total"]}
    assert json.loads(text_of(answer(client, *history, again, code=False, **form(schema)))) == {
        "total": 49.75
    }


def test_an_option_or_an_object_without_a_schema(client):
    options = form({"type": "string", "enum": ["long", "short"]}, "text/x.enum")
    assert text_of(answer(client, "Hello", code=False, **options)) == "long"
    bare = {"generationConfig": {"responseMimeType": "application/json"}}
    assert list(json.loads(text_of(answer(client, "Hello", code=False, **bare)))) == ["answer"]


def test_thoughts_are_shown_where_they_are_wanted(client):
    parts = answer(client, "Hello", generationConfig={"thinkingConfig": {"includeThoughts": True}})
    assert [part.get("thought") for part in parts] == [True, None]


def test_every_body_of_an_answer_says_that_a_stand_in_gave_it(client: Client) -> None:
    question = asked("What is 6 * 7?")
    bodies = [client.ask(question).json(), *client.chunks(question)]
    assert {body["modelVersion"] for body in bodies} == {"gemini-2.5-flash (offline stand-in)"}

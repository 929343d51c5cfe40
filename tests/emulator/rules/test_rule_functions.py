"""Function calling: which function, with what arguments, and what is said of its answer."""

from __future__ import annotations

import json

import pytest


def declared(name, description="", /, *, required=None, upper=False, **properties):
    """A declaration; `upper` gives the OpenAPI style with upper-case types."""
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }
    if not upper:
        return {"name": name, "description": description, "parametersJsonSchema": schema}
    spelled = json.loads(
        json.dumps(schema),
        object_hook=lambda one: {
            **one,
            **({"type": one["type"].upper()} if isinstance(one.get("type"), str) else {}),
        },
    )
    return {"name": name, "description": description, "parameters": spelled}


STRING, INTEGER, NUMBER, BOOLEAN = ({"type": kind} for kind in ("string", "integer", "number", "boolean"))
MAGIC = declared(
    "magic_function",
    "Apply a magic function to an input.",
    input={**INTEGER, "exclusiveMinimum": -1000, "exclusiveMaximum": 1000},
)
MAGIC_ALONE = declared("magic_function_no_args", "Calculate a magic function.")
WEATHER = declared("get_weather", "Get weather at a location.", location=STRING)
WEATHER_OPENAPI = declared("get_weather", "Get weather at a location.", upper=True, location=STRING)
TIME = declared("get_time", "Current time in a city.", city=STRING)
ADDER = declared("my_adder_tool", "Takes two integers, a and b, and returns their sum.", a=INTEGER, b=INTEGER)
CUSTOMER = declared(
    "unicode_customer", "Tool for creating a customer.", customer_name=STRING, description=STRING
)
PRICE = declared("get_price", "Look up the price of a product.", product=STRING)
EMAIL = declared("send_email", "Send an email.", to=STRING, subject=STRING, body=STRING)
CURRENCY = declared(
    "convert_currency",
    "Convert an amount between currencies.",
    amount=NUMBER,
    from_currency=STRING,
    to_currency=STRING,
)
ROOM = declared(
    "set_temperature",
    "Set the room temperature.",
    required=["room", "celsius"],
    room={**STRING, "enum": ["kitchen", "living_room"]},
    celsius=INTEGER,
    eco=BOOLEAN,
)
SEARCH = declared("search", "Search the web.", query=STRING)
FLIGHT = declared(
    "book_flight", "Book a flight.", origin=STRING, destination=STRING, date={**STRING, "format": "date"}
)
AVERAGE = declared("calculate_average", "Average of numbers.", numbers={"type": "array", "items": NUMBER})
TAGS = declared("add_tags", "Add tags to a note.", tags={"type": "array", "items": STRING})
ORDER = declared(
    "place_order",
    "Place an order.",
    item={
        "type": "object",
        "properties": {"name": STRING, "quantity": INTEGER},
        "required": ["name", "quantity"],
    },
)
LEVELS = declared(
    "set_levels", "Set the levels.", levels={"type": "array", "items": {**STRING, "enum": ["low", "high"]}}
)

CASES = [
    ("What is the value of magic_function(3)? Use the tool.", [MAGIC], [("magic_function", {"input": 3})]),
    ("magic_function(input=4)", [MAGIC], [("magic_function", {"input": 4})]),
    ("Use the magic_function tool on 5 and 7", [MAGIC], [("magic_function", {"input": 5}), ("magic_function", {"input": 7})]),
    ("What is the value of magic_function_no_args()? Use the tool.", [MAGIC_ALONE], [("magic_function_no_args", {})]),
    ("What is the weather in San Francisco, CA?", [WEATHER], [("get_weather", {"location": "San Francisco, CA"})]),
    ("What is the weather in Paris?", [WEATHER_OPENAPI], [("get_weather", {"location": "Paris"})]),
    ("what is the weather in tokyo today?", [WEATHER], [("get_weather", {"location": "tokyo"})]),
    ("What's the weather in Paris and in Rome?", [WEATHER], [("get_weather", {"location": "Paris"}), ("get_weather", {"location": "Rome"})]),
    ("weather in Paris, Rome and Berlin please", [WEATHER], [("get_weather", {"location": city}) for city in ("Paris", "Rome", "Berlin")]),
    ("What's the weather in Paris and what time is it in Tokyo?", [WEATHER, TIME], [("get_weather", {"location": "Paris"}), ("get_time", {"city": "Tokyo"})]),
    ("What is 3 + 4", [ADDER], [("my_adder_tool", {"a": 3, "b": 4})]),
    ("Add with b = 2 and a = 9 using my_adder_tool", [ADDER], [("my_adder_tool", {"a": 9, "b": 2})]),
    ("Send an email to bob@example.com with subject 'Hi' and body 'See you'", [EMAIL], [("send_email", {"to": "bob@example.com", "subject": "Hi", "body": "See you"})]),
    ("Convert 100 USD to EUR", [CURRENCY], [("convert_currency", {"amount": 100, "from_currency": "USD", "to_currency": "EUR"})]),
    ("Convert 2.5 dollars into euros with convert_currency", [CURRENCY], [("convert_currency", {"amount": 2.5, "from_currency": "USD", "to_currency": "EUR"})]),
    ("Set the temperature in the living room to 21 with eco on", [ROOM], [("set_temperature", {"room": "living_room", "celsius": 21, "eco": True})]),
    ("Set the kitchen temperature to 19 without eco", [ROOM], [("set_temperature", {"room": "kitchen", "celsius": 19, "eco": False})]),
    ("Search the web for LangChain release notes", [SEARCH], [("search", {"query": "LangChain release notes"})]),
    ("search for 'cats and dogs'", [SEARCH], [("search", {"query": "cats and dogs"})]),
    ("Book a flight from Paris to New York on May 3, 2025", [FLIGHT], [("book_flight", {"origin": "Paris", "destination": "New York", "date": "2025-05-03"})]),
    ("calculate the average of 1, 2 and 6", [AVERAGE], [("calculate_average", {"numbers": [1, 2, 6]})]),
    ("Add the tags 'red' and 'blue' to my note", [TAGS], [("add_tags", {"tags": ["red", "blue"]})]),
    ('Add tags ["x", "y"] to the note', [TAGS], [("add_tags", {"tags": ["x", "y"]})]),
    ("Place an order for item name 'Lamp', quantity 2", [ORDER], [("place_order", {"item": {"name": "Lamp", "quantity": 2}})]),
    ("set the levels low, high", [LEVELS], [("set_levels", {"levels": ["low", "high"]})]),
    ("Analyze the sentiment of this: what a day", [declared("analyze_sentiment", "Sentiment of a text.", text=STRING)], [("analyze_sentiment", {"text": "Analyze the sentiment of this: what a day"})]),
    ("evaluate the expression 3*(4+1)", [declared("evaluate_expression", "Evaluate.", expression=STRING)], [("evaluate_expression", {"expression": "3*(4+1)"})]),
    ("calculate_average with numbers = 1, 2 and 6", [AVERAGE], [("calculate_average", {"numbers": [1, 2, 6]})]),
    ("calculate the average of numbers [4, 5.5]", [AVERAGE], [("calculate_average", {"numbers": [4, 5.5]})]),
    ("Add tags [red, blue] to the note", [TAGS], [("add_tags", {"tags": ["red", "blue"]})]),
    ("Set the kitchen temperature to 20.5 or rather 21", [ROOM], [("set_temperature", {"room": "kitchen", "celsius": 21})]),
    ("random number and random number", [declared("random_number", "A random number.")], [("random_number", {})]),
    ("What's the weather in Paris and should I take an umbrella?", [WEATHER], [("get_weather", {"location": "Paris"})]),
]  # fmt: skip


def calls(parts):
    return [(part["functionCall"]["name"], part["functionCall"]["args"]) for part in parts]


@pytest.fixture
def call(ask):
    def with_functions(text, functions, *, code=False, **config):
        tools = [{"functionDeclarations": functions}, *([{"codeExecution": {}}] if code else [])]
        request = {"toolConfig": {"functionCallingConfig": config}} if config else {}
        return ask(text, tools=tools, **request)

    return with_functions


@pytest.mark.parametrize(("text", "functions", "expected"), CASES, ids=[case[0][:50] for case in CASES])
@pytest.mark.parametrize("code", [False, True])
def test_a_fitting_function_wins(call, text, functions, expected, code):
    assert calls(call(text, functions, code=code)) == expected


@pytest.mark.parametrize(
    ("text", "functions"),
    [
        ("Who is the president?", [WEATHER, MAGIC]),
        ("What is the capital of France?", [ADDER]),
        ("Tell me about Paris", [CURRENCY]),
    ],
)
def test_no_function_is_called_that_does_not_fit(call, text, functions):
    (part,) = call(text, functions)
    assert "not a language model" in part["text"]


def test_code_answers_what_no_function_does(call):
    assert "is 12." in call("What is 3 * 4", [ADDER], code=True)[-1]["text"]


@pytest.mark.parametrize(
    ("text", "functions", "missing"),
    [
        ("Use the magic_function tool", [MAGIC], "input"),
        ("Send an email please with send_email", [EMAIL], "to"),
        ("What's the weather?", [WEATHER], "location"),
        ("magic_function(nonsense)", [MAGIC], "input"),
        ("magic_function(wrong=1", [MAGIC], None),
    ],
)
def test_missing_arguments_are_asked_for(call, text, functions, missing):
    (part,) = call(text, functions)
    if missing:
        assert f"I need: {missing}" in part["text"]
    else:
        assert part["functionCall"]["args"] == {"input": 1}


@pytest.mark.parametrize(
    ("text", "functions", "config", "expected"),
    [
        ("Hello!", [MAGIC, WEATHER], {"mode": "ANY"}, [("magic_function", {"input": 0})]),
        ("Hello!", [MAGIC, WEATHER], {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}, [("get_weather", {"location": "Hello!"})]),
        ("What is 3 + 4", [ADDER], {"mode": "ANY"}, [("my_adder_tool", {"a": 3, "b": 4})]),
        ("Create a customer named '你好啊集团' (Hello Group) - a Chinese technology company", [CUSTOMER], {"mode": "ANY"}, [("unicode_customer", {"customer_name": "你好啊集团", "description": "a Chinese technology company"})]),
        ("Hi", [ROOM], {"mode": "ANY"}, [("set_temperature", {"room": "kitchen", "celsius": 0})]),
        ("Hi", [FLIGHT], {"mode": "ANY"}, [("book_flight", {"origin": "Hi", "destination": "Hi", "date": "1970-01-01"})]),
        ("Hi", [ORDER], {"mode": "ANY"}, [("place_order", {"item": {"name": "Hi", "quantity": 0}})]),
        ("Hi", [TAGS], {"mode": "ANY"}, [("add_tags", {"tags": []})]),
        (
            "Hi",
            [declared("f", a={**INTEGER, "minimum": 5}, b={**NUMBER, "maximum": -1}, c=BOOLEAN, d={**STRING, "default": "x"}, e={"const": 7}, f={**STRING, "maxLength": 1}, g={"anyOf": [INTEGER, STRING]}, h={"type": "array", "items": BOOLEAN, "minItems": 2}, i={"type": "null"}, j={})],
            {"mode": "ANY"},
            [("f", {"a": 5, "b": -1, "c": False, "d": "x", "e": 7, "f": "H", "g": 0, "h": [False, False], "i": None, "j": "Hi"})],
        ),
    ],
)  # fmt: skip
def test_a_forced_call_is_filled_from_the_text(call, text, functions, config, expected):
    assert calls(call(text, functions, **config)) == expected


def test_mode_none_forbids_calls(call):
    (part,) = call("What is the weather in Paris?", [WEATHER], mode="NONE")
    assert "text" in part


def test_several_tool_entries_and_references(ask):
    schema = {"$defs": {"City": {"type": "string"}}, "type": "object", "properties": {"city": {"$ref": "#/$defs/City"}, "unit": {"anyOf": [{"type": "string", "enum": ["celsius", "kelvin"]}, {"type": "null"}]}}, "required": ["city"]}  # fmt: skip
    tools = [
        {"functionDeclarations": [MAGIC]},
        {"functionDeclarations": [{"name": "weather_of", "parametersJsonSchema": schema}]},
    ]
    parts = ask("Give me the weather in Oslo in kelvin", tools=tools)
    assert calls(parts) == [("weather_of", {"city": "Oslo", "unit": "kelvin"})]


@pytest.mark.parametrize(
    ("name", "parameter", "given"),
    [("run_python", "code", "print"), ("code_execution", "task", "first 10 primes")],
)
def test_a_declared_code_runner_is_used_where_code_execution_is_not(call, name, parameter, given):
    ((called, args),) = calls(
        call("What is the sum of the first 10 primes?", [declared(name, "Runs it.", **{parameter: STRING})])
    )
    assert called == name
    assert given in args[parameter]


def history(question, *exchanges):
    """A question, then calls and the functions' answers to them."""
    contents = [{"role": "user", "parts": [{"text": question}]}]
    for made, answers in exchanges:
        contents.append(
            {
                "role": "model",
                "parts": [{"functionCall": {"name": name, "args": args}} for name, args in made],
            }
        )
        contents.append(
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"name": name, "response": answer}}
                    for (name, _), answer in zip(made, answers, strict=True)
                ],
            }
        )
    return contents


PARIS, ROME = ("get_weather", {"location": "Paris"}), ("get_weather", {"location": "Rome"})


@pytest.mark.parametrize(
    ("contents", "functions", "said"),
    [
        (history("What is 1 + 2", ([("my_adder_tool", {"a": 1, "b": 2})], [{"result": 3}])), [ADDER], ["my_adder_tool(a=1, b=2) returned: 3"]),
        (history("What is 1 + 2", ([("my_adder_tool", {"a": 1})], [{"error": "Missing 'b'."}])), [ADDER], ["failed: Missing 'b'."]),
        (history("Weather in Paris and in Rome?", ([PARIS, ROME], [{"output": "Sun, 21"}, {"output": "Rain"}])), [WEATHER], ['location="Paris") returned: Sun, 21', 'location="Rome") returned: Rain']),
        (history("Weather in Paris?", ([PARIS], [{"temperature": 21, "sky": "clear"}])), [WEATHER], ['{"temperature": 21, "sky": "clear"}']),
        (history("Weather in Paris?", ([PARIS], [{}])), [WEATHER], ["returned"]),
        (history("Weather in Paris?", ([PARIS], [{"output": "日本語"}])), [WEATHER], ["日本語"]),
    ],
)  # fmt: skip
def test_answers_of_functions_are_told_verbatim(respond, contents, functions, said):
    (part,) = respond({"contents": contents, "tools": [{"functionDeclarations": functions}]})
    assert all(text in part["text"] for text in said)


@pytest.mark.parametrize(
    ("question", "values", "expected"),
    [
        ("Look up the price of 'Widget' with the tool and compute 3 of them with 20% tax", [10], "36"),
        ("Get the price of 'Widget' and double it", [2.5], "5.0"),
        ("Get the price of 'Widget', 10% off, times 2", [100], "180"),
        ("Get the price of 'Widget' divided by 4", ["$1,000"], "250"),
        ("What is the total price of 'A' and of 'B'?", [3, 4], "is 7"),
        ("What is the average price of 'A' and of 'B'?", [3, 4], "3.5"),
        ("What is the difference between the prices of 'A' and of 'B'?", [3, 4], "is 1"),
        ("Which of the prices of 'A' and of 'B' is the lowest?", [3, 4], "is 3"),
        ("Get the prices of 'Widget' and compute their mean", [[3, 4, 8]], "is 5"),
        ("Get the prices of 'Widget' and compute the median", ["[3, 4.5, 8]"], "is 4.5"),
        ("What is the standard deviation of the prices of 'Widget'?", [[3, 5, 8, 13]], "4.349329"),
    ],
)
def test_answers_of_functions_are_computed_with(respond, question, values, expected):
    made = [("get_price", {"product": str(index)}) for index, _ in enumerate(values)]
    contents = history(question, (made, [{"output": value} for value in values]))
    parts = respond(
        {"contents": contents, "tools": [{"functionDeclarations": [PRICE]}, {"codeExecution": {}}]}
    )
    assert expected in parts[-1]["text"]
    assert "executableCode" in parts[1]


@pytest.mark.parametrize(
    ("question", "values"),
    [
        ("Get the price of 'Widget' and double it", ["unknown"]),
        ("Get the price of 'Widget' and double it", ["between 3 and 4"]),
        ("Get the price of 'Widget'", [3]),
        ("Get the price of 'A' and of 'B'", [3, 4]),
        ("Get the prices of 'Widget' and compute their mean", ['["3", true]']),
    ],
)
def test_what_cannot_or_need_not_be_computed_is_told(respond, question, values):
    made = [("get_price", {"product": str(index)}) for index, _ in enumerate(values)]
    contents = history(question, (made, [{"output": value} for value in values]))
    (part,) = respond(
        {"contents": contents, "tools": [{"functionDeclarations": [PRICE]}, {"codeExecution": {}}]}
    )
    assert all(str(value) in part["text"] for value in values)


def test_an_agent_goes_on_to_the_function_that_is_left(respond):
    contents = history(
        "What's the weather in Paris and what time is it in Tokyo?", ([PARIS], [{"output": "Sun"}])
    )
    parts = respond({"contents": contents, "tools": [{"functionDeclarations": [WEATHER, TIME]}]})
    assert calls(parts) == [("get_time", {"city": "Tokyo"})]


def test_an_agent_that_may_not_stop_calls_again(respond):
    contents = history("Weather in Paris?", ([PARIS], [{"output": "Sun"}]))
    config = {"functionCallingConfig": {"mode": "ANY"}}
    parts = respond(
        {"contents": contents, "tools": [{"functionDeclarations": [WEATHER]}], "toolConfig": config}
    )
    assert calls(parts) == [PARIS]


def test_a_code_runners_output_becomes_the_answer(respond):
    runner = declared("run_python", "Runs it.", code=STRING)
    contents = history(
        "What is the sum of the first 10 primes?",
        ([("run_python", {"code": "…"})], [{"output": "total = 129\n"}]),
    )
    (part,) = respond({"contents": contents, "tools": [{"functionDeclarations": [runner]}]})
    assert part["text"] == "The sum of the first 10 prime numbers is 129."


def test_files_of_a_function_are_counted_not_described(respond):
    contents = history("Show a random image", ([("random_image", {})], [{}]))
    contents[-1]["parts"][0]["functionResponse"]["parts"] = [
        {"inlineData": {"mimeType": "image/png", "data": ""}}
    ]
    (part,) = respond({"contents": contents, "tools": [{"functionDeclarations": [declared("random_image")]}]})
    assert "1 file(s)" in part["text"]


def test_responses_find_their_calls_by_id(respond):
    contents = history(
        "Weather in Paris and in Rome?", ([PARIS, ROME], [{"output": "Sun"}, {"output": "Rain"}])
    )
    for content in contents[1:]:
        for key, part in enumerate(content["parts"]):
            next(iter(part.values()))["id"] = f"id{key}"
    contents[-1]["parts"].reverse()
    (part,) = respond({"contents": contents, "tools": [{"functionDeclarations": [WEATHER]}]})
    assert 'location="Rome") returned: Rain' in part["text"]


def test_a_delegated_task_comes_back_as_the_answer(respond):
    """A client that stands in for code execution: the task goes out as a call and comes back as its result."""
    stand_in = declared("code_execution", "Runs Python.", task=STRING)
    contents = [{"role": "user", "parts": [{"text": "What is the sum of the first 10 primes?"}]}]
    functions = [{"functionDeclarations": [WEATHER, stand_in]}]
    (called,) = respond({"contents": contents, "tools": functions})
    task = called["functionCall"]["args"]["task"]
    asked = {
        "role": "user",
        "parts": [{"text": f"Write and run Python code for this, and answer from what it prints: {task}"}],
    }
    *_, result, _ = respond({"contents": [*contents, asked], "tools": [{"codeExecution": {}}]})
    printed = f"[OUTCOME_OK] {result['codeExecutionResult']['output']}"
    answered = {"functionResponse": {"name": "code_execution", "response": {"output": printed}}}
    contents += [{"role": "model", "parts": [called]}, {"role": "user", "parts": [answered]}]
    (answer,) = respond({"contents": contents, "tools": functions})
    assert answer["text"] == "The sum of the first 10 prime numbers is 129."


def test_a_forced_function_is_the_form_of_a_computed_answer(call):
    form = declared("Answer", "The answer.", result=INTEGER, explanation=STRING)
    code, result, called = call("What is the sum of the first 10 primes?", [form], code=True, mode="ANY")
    assert "executableCode" in code
    assert "129" in result["codeExecutionResult"]["output"]
    assert called["functionCall"]["args"] == {
        "result": 129,
        "explanation": "The sum of the first 10 prime numbers is 129.",
    }


def test_a_forced_joke_is_the_stock_joke(call):
    ((_, args),) = calls(
        call(
            "Tell me a joke about cats.",
            [declared("Joke", "Joke to tell user.", setup=STRING, punchline=STRING)],
            mode="ANY",
        )
    )
    assert args["punchline"] == "To keep an eye on the mouse."


@pytest.mark.parametrize(
    ("text", "functions"),
    [
        ("Run something", [declared("run_python", "Runs it.", code=STRING, limit=INTEGER)]),
        ("What is 2 + 2?", [declared("run_python", "Runs it.", when=STRING)]),
        ("What is 2 + 2?", [declared("run_python", "Runs it.", code=STRING, limit=INTEGER)]),
    ],
)
def test_a_code_runner_of_another_shape_is_left_alone(call, text, functions):
    (part,) = call(text, functions)
    assert "text" in part

"""CSV tables in the message and attached, and plots."""

from __future__ import annotations

import base64

import pytest

from langchain_codeexec.emulator.brain import Prompt
from langchain_codeexec.emulator.rules import RuleBrain

SALES = "region,product,units,price\nNorth,Apple,10,1.5\nSouth,Apple,20,2.0\nNorth,Pear,40,3.0\n"

QUESTIONS = [
    ("What is the average of units?", "23.333"),
    ("What is the total of units?", "70"),
    ("mean price", "2.1666"),
    ("median of units", "20"),
    ("What is the highest price?", "3.0"),
    ("lowest units", "10"),
    ("total units by region", "{'North': 50, 'South': 20}"),
    ("How many rows per product are there?", "{'Apple': 2, 'Pear': 1}"),
    ("average price for each product", "{'Apple': 1.75, 'Pear': 3.0}"),
    ("How many rows are there?", "is 3"),
    ("How many rows have region North?", "is 2"),
    ("How many rows where units is over 15?", "is 2"),
    ("sum of units where price >= 2", "60"),
    ("total units for North", "50"),
    ("Which product has the highest price?", "Pear, with 3.0"),
    ("Which region has the lowest units?", "North, with 10"),
    ("Describe the data", "rows = 3"),
    ("What are the columns?", "['region', 'product', 'units', 'price']"),
]


def attached(text, mime_type="text/csv", data=SALES):
    blob = {
        "mimeType": mime_type,
        "data": base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode(),
    }
    return [{"role": "user", "parts": [{"inlineData": blob}, {"text": text}]}]


@pytest.mark.parametrize(("question", "expected"), QUESTIONS)
def test_a_table_in_the_message(ask, question, expected):
    assert expected in ask(f"{question}\n{SALES}")[-1]["text"]


@pytest.mark.parametrize(("question", "expected"), QUESTIONS)
def test_a_table_attached(respond, question, expected):
    parts = respond({"contents": attached(question), "tools": [{"codeExecution": {}}]})
    assert "input_file_0.csv" in parts[1]["executableCode"]["code"]
    assert expected in parts[-1]["text"]


def test_a_table_attached_earlier_answers_a_follow_up(respond):
    contents = attached("What is the total of units?")
    contents.append(
        {"role": "model", "parts": respond({"contents": contents, "tools": [{"codeExecution": {}}]})}
    )
    contents.append({"role": "user", "parts": [{"text": "And what is the median price?"}]})
    assert "2.0" in respond({"contents": contents, "tools": [{"codeExecution": {}}]})[-1]["text"]


def test_a_table_in_a_code_fence_with_hostile_cells(ask):
    table = 'name,"units"\n"a""b\\n",1\n"c\'\'\'",2\n'
    assert "is 3" in ask(f"total units?\n```csv\n{table}```")[-1]["text"]


def test_a_long_table_is_read_whole(respond):
    data = "id,amount\n" + "".join(f"{row},1\n" for row in range(1000))
    parts = respond({"contents": attached("total amount?", data=data), "tools": [{"codeExecution": {}}]})
    assert "is 1000" in parts[-1]["text"]


@pytest.mark.parametrize(
    "question", ["What is the total of weights?", "Is this table nice?", "Which one is the best?"]
)
def test_a_question_that_names_no_column_gives_no_number(ask, question):
    assert "not a language model" in ask(f"{question}\n{SALES}")[-1]["text"]


@pytest.mark.parametrize(
    "data",
    [b"", b"only one line", b"1,2\n3,4\n", b"\xff\xfe\x00"],
    ids=["empty", "one line", "no header", "no text"],
)
def test_an_unusable_table_gives_no_number(respond, data):
    parts = respond({"contents": attached("total of units?", data=data), "tools": [{"codeExecution": {}}]})
    assert "not a language model" in parts[-1]["text"]


@pytest.mark.parametrize(
    ("question", "noun", "calls"),
    [
        (
            "Plot these monthly sales: Jan 10, Feb 12, Mar 9",
            "bar chart",
            ["plt.bar", "Monthly sales", "Month"],
        ),
        ("Draw a pie chart of apples 30, bananas 50 and cherries 20", "pie chart", ["plt.pie", "'bananas'"]),
        ("line chart of the sales: Jan: 10, Feb: 12", "line plot", ["plt.plot", "'Jan'"]),
        ("Draw a bar chart of the rain: Jan 48, Feb 40, Mar 52 mm.", "bar chart", ["'Mar'", "52"]),
        ("plot y = x^2 - 3x from -5 to 5", "line plot", ["x ** 2 - 3 * x", "plt.plot"]),
        ("plot y = sin(x)", "line plot", ["math.sin(x)"]),
        ("histogram of 1,2,2,3,3,3,4", "histogram", ["plt.hist"]),
        ("plot 1, 4, 9, 16", "line plot", ["plt.plot"]),
        ("scatter plot of (1,2), (2,4), (3,9)", "scatter plot", ["plt.scatter"]),
        ("scatter plot with x = 1, 2, 3 and y = 2, 4, 6", "scatter plot", ["plt.scatter"]),
        (f"bar chart of units by product\n{SALES}", "bar chart", ["plt.bar", "'product'"]),
        (f"plot price against units\n{SALES}", "scatter plot", ["plt.scatter"]),
        (f"histogram of units\n{SALES}", "histogram", ["plt.hist"]),
    ],
)
def test_plots_are_drawn(run, question, noun, calls):
    turn = RuleBrain().respond(
        Prompt(
            "m",
            "vertex",
            {"contents": [{"role": "user", "parts": [{"text": question}]}], "tools": [{"codeExecution": {}}]},
        )
    )
    assert noun in next(turn)["text"]
    code = next(turn)["executableCode"]["code"]
    assert all(call in code for call in [*calls, "plt.show()"])
    result = run(code)
    assert [image.mime_type for image in result.images] == ["image/png"]
    assert noun in turn.send(result)["text"]


def test_rows_of_one_label_are_one_bar(ask):
    rows = "month,region,sales\nJan,north,3\nJan,south,4\nFeb,north,5"
    parts = ask(f"bar chart of sales by month\n{rows}")
    assert "2 points" in parts[-1]["text"]


@pytest.mark.parametrize("question", ["Plot something nice", "plot y = open(x)", "draw a cat", "plot Jan 10"])
def test_nothing_to_plot_draws_nothing(ask, question):
    assert "not a language model" in ask(question)[-1]["text"]

"""`ask`: what it prints, what it sends, and its exit codes."""

import json
import sys
from base64 import b64decode, b64encode

import nbformat
import openpyxl
import pytest

from langchain_codeexec.emulator import EmulatedError
from langchain_codeexec.emulator.scenes import STAND_IN
from tests.cli.conftest import words

SUM = "What is the sum of the first 10 positive integers?"
PLOT = "Plot a bar chart of the rainfall in mm: January 48, February 40, March 45, April 52."
PNG = b"\x89PNG\r\n\x1a\n"
streamed = pytest.mark.parametrize("options", [[], ["--stream"]])
commands = pytest.mark.parametrize("command", [["ask", SUM], ["chat"], ["serve"]])


def code(source: str) -> dict:
    return {"executableCode": {"language": "PYTHON", "code": source}}


DRAWN = [
    code("plot()"),
    {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
    {"inlineData": {"mimeType": "image/png", "data": b64encode(PNG).decode()}},
    "Drawn.",
]
"""An answer with a picture that nobody had to draw."""


@pytest.fixture
def draw(cli, gemini):
    gemini.says(DRAWN)
    return lambda *options: cli("ask", PLOT, "--live", *options)


@streamed
def test_shows_question_code_output_answer_and_tokens_in_order(cli, tmp_path, options):
    result = cli("ask", SUM, *options)
    assert result.exit_code == 0
    fragments = [
        "question ─",
        SUM,
        "code · python ─",
        "total = sum(terms)",
        "output · ok ─",
        "total = 55",
        "answer ─",
        "The sum of the first 10 positive integers is 55.",
        "gemini-3-flash-preview (offline stand-in) · 102 tokens: 16 in (3 from its runs), 86 out (32 thinking)\n",
    ]
    places = [result.stdout.index(fragment) for fragment in fragments]
    assert places == sorted(places)
    assert "\x1b" not in result.stdout + result.stderr
    assert "\n\n\n" not in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_stand_in_says_what_it_is(cli):
    result = cli("ask", "Why is the sky blue?")
    assert f"Offline. {STAND_IN} Ask Gemini itself with --live." in words(result.stderr)
    assert STAND_IN in result.stdout
    assert "--brain" in result.stdout


STEPS = """\
- - code: print(6 * 7)
  - It is 42.
- Never asked for.
"""


@streamed
def test_a_script_answers_and_its_unused_steps_are_listed(cli, tmp_path, options):
    (tmp_path / "steps.yaml").write_text(STEPS)
    result = cli("ask", "Six times seven?", "--script", "steps.yaml", "--html", "page.html", *options)
    assert result.exit_code == 0
    assert "42\n\nanswer" in result.stdout
    assert "The steps of steps.yaml answer; the code in them really runs." in words(result.stderr)
    assert result.stderr.endswith("\nNot used: 'Never asked for.'\n")
    name = "gemini-3-flash-preview (stand-in: script steps.yaml)"
    assert f"{name} · " in result.stdout
    assert name in (tmp_path / "page.html").read_text()


def test_a_chat_model_answers(cli, gemini):
    gemini.says("```python\nprint(6 * 7)\n```", "It is 42.")
    model = "google_genai:gemini-2.5-flash"
    result = cli("ask", "Six times seven?", "--brain", model, "--json")
    assert f"{model} answers; the code it writes really runs." in words(result.stderr)
    record = json.loads(result.stdout)
    assert record["answer"] == "It is 42."
    assert record["executions"][0]["output"] == "42\n"
    assert record["model"] == f"gemini-3-flash-preview (stand-in: {model})"


@streamed
def test_a_script_without_a_step_for_the_question_says_so_at_once(cli, tmp_path, options):
    (tmp_path / "steps.yaml").write_text("- {when: {text: other}, reply: Hello.}")
    result = cli("ask", SUM, "--script", "steps.yaml", *options)
    assert result.exit_code == 1
    assert "The script has no step for request 1" in words(result.stderr)
    assert "try again" not in words(result.stderr)


@commands
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--script missing.yaml", "the script missing.yaml cannot be read"),
        ("--script none.yaml", "step 1 of none.yaml: 7 is no step"),
        ("--brain qwen3", "--brain 'qwen3' names no model; give PROVIDER:MODEL, such as ollama:qwen3"),
        ("--brain ollama:", "names no model"),
        ("--brain nobody:x", "--brain nobody:x cannot be set up: Unsupported provider='nobody'"),
        ("--brain ollama:qwen3", "`pip install langchain-ollama`"),
        ("--brain google_genai:x", "cannot be set up: Value error, API key required"),
        ("--script none.yaml --brain a:b", "--script and --brain exclude each other; give one of them alone"),
    ],
)
def test_what_cannot_answer_is_named(refusal, tmp_path, command, options, message):
    (tmp_path / "none.yaml").write_text("- 7\n")
    assert message in refusal(*command, *options.split())


@commands
def test_without_langchain_its_extra_is_named(refusal, monkeypatch, command):
    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    assert "pip install 'langchain-codeexec[agents]'" in refusal(*command, "--brain", "ollama:qwen3")


def test_prints_one_json_object_and_nothing_else(cli):
    record = json.loads(cli("ask", SUM, "--json").stdout)
    assert record["question"] == SUM
    assert record["answer"].strip() == "The sum of the first 10 positive integers is 55."
    assert (record["finish_reason"], record["usage"]["total_tokens"]) == ("STOP", 102)
    [run] = record["executions"]
    assert (run["output"], run["outcome"], run["images"]) == ("total = 55\n", "OUTCOME_OK", [])


def test_saves_what_a_program_draws(cli, tmp_path):
    result = cli("ask", PLOT)
    [path] = (tmp_path / "demo-output").iterdir()
    assert path.read_bytes().startswith(PNG)
    assert f"demo-output/{path.name}" in result.stdout


@streamed
def test_saves_images_and_shows_where(draw, tmp_path, options):
    result = draw(*options)
    [path] = (tmp_path / "demo-output").iterdir()
    assert path.read_bytes() == PNG
    assert f"demo-output/{path.name}" in result.stdout


def test_json_holds_images_by_value_unless_a_directory_is_given(draw, tmp_path):
    [image] = json.loads(draw("--json").stdout)["executions"][0]["images"]
    assert b64decode(image["base64"]) == PNG
    printed = draw("--json", "--output-dir", "plots").stdout
    [image] = json.loads(printed)["executions"][0]["images"]
    assert (tmp_path / image["path"]).read_bytes() == PNG


def test_images_may_go_to_a_url(draw):
    [image] = json.loads(draw("--json", "--output-dir", "memory://cli").stdout)["executions"][0]["images"]
    assert image["path"].startswith("memory:///cli/image-")


@streamed
def test_a_file_where_the_images_should_go_costs_nobody_the_answer(draw, tmp_path, options):
    (tmp_path / "demo-output").write_text("here I am")
    result = draw(*options)
    assert result.exit_code == 2
    assert "answer ─" in result.stdout
    assert "could not be saved in" in result.stdout
    assert (tmp_path / "demo-output").read_text() == "here I am"


def test_code_reads_the_sheets_of_a_workbook(cli, tmp_path):
    book = openpyxl.Workbook()
    for row in [["month", "rain"], ["Jan", 48], ["Feb", 40.5]]:
        book.active.append(row)
    book.save(tmp_path / "data.xlsx")
    result = cli("ask", "What is the mean of column rain?", "--file", "data.xlsx")
    assert "mean = 44.25\n" in result.stdout


@pytest.mark.parametrize(
    "file",
    [
        ("DATA.CSV", b"a,b\n", "text/csv"),
        ("data.json", b'[{"a": 1}]', "text/csv"),
        ("plot.png", PNG, "image/png"),
        ("paper.pdf", b"%PDF-1.7\xff", "application/pdf"),
        ("Makefile", b"all:\n", "text/plain"),
        ("clip.mp4", b"\x00\xff", "video/mp4"),
    ],
)
def test_files_travel_with_their_type(cli, gemini, tmp_path, file):
    name, data, mime_type = file
    gemini.says("Fine.")
    (tmp_path / name).write_bytes(data)
    assert cli("ask", "What is this?", "-f", name, "--live").exit_code == 0
    text, sent = gemini.body["contents"][0]["parts"]
    assert text["text"].startswith("What is this?\n\n")
    assert f": {name}; " in text["text"]
    assert sent["inlineData"]["mimeType"] == mime_type
    if name != "data.json":
        assert b64decode(sent["inlineData"]["data"]) == data


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("missing.csv", None, "missing.csv cannot be read: No such file or directory"),
        ("large.txt", bytes(16_000_000), "large.txt has 16.0 MB"),
        ("program.exe", b"MZ\x00\xff", "program.exe is neither text nor of a type Gemini takes"),
    ],
)
def test_a_file_that_cannot_be_sent_is_named(refusal, tmp_path, name, data, message):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    stderr = refusal("ask", "What is this?", "--file", name)
    assert message in stderr
    assert ("--down-sample" in stderr) is (name == "large.txt")


def test_no_code_declares_no_code_execution(cli, gemini):
    gemini.says("42")
    cli("ask", "What is 6 * 7?", "--live")
    cli("ask", "What is 6 * 7?", "--live", "--no-code")
    assert ["tools" in body for body in gemini.bodies] == [True, False]


@pytest.mark.parametrize("options", [[], ["--stream"], ["--debug"]])
def test_an_unknown_model_is_shown_with_the_remedy(cli, options):
    result = cli("ask", SUM, "--model", "nope", *options)
    assert result.exit_code == 1
    assert "NotFoundError · 404 NOT_FOUND" in result.stderr
    assert "models/nope is not found" in result.stderr
    assert "Remedy: check the model's name" in result.stderr
    assert ("Traceback" in result.stderr) == ("--debug" in options)


@pytest.mark.usefixtures("gemini")
def test_a_refused_key_is_the_services_failure(cli, monkeypatch):
    monkeypatch.setenv("GOOGLE_API_KEY", "invalid")
    result = cli("ask", SUM, "--live")
    assert result.exit_code == 1
    assert "API key not valid" in result.stderr


def test_a_stream_that_breaks_keeps_what_came_before(cli, gemini):
    gemini.says(["I will try.", code("print(1)"), EmulatedError(403, message="No more.")])
    result = cli("ask", SUM, "--live", "--stream")
    assert result.exit_code == 1
    assert "I will try." in result.stdout
    assert "No more." in result.stderr


@pytest.mark.parametrize("options", [[], ["--stream"], ["--json"]])
@pytest.mark.parametrize(
    ("response", "message"),
    [
        (
            {"promptFeedback": {"blockReason": "SAFETY"}, "candidates": None},
            "The prompt was blocked (SAFETY)",
        ),
        ({"candidates": [{"finishReason": "RECITATION"}]}, "because it repeated protected text"),
        (
            {"candidates": [{"finishReason": "MAX_TOKENS", "content": {"parts": [{"text": "The"}]}}]},
            "cut off",
        ),
    ],
)
def test_an_answer_that_did_not_come_out_fails_and_says_why(cli, gemini, response, message, options):
    gemini.says(response)
    result = cli("ask", SUM, "--live", *options)
    assert result.exit_code == 1
    assert message in result.stdout


@streamed
def test_what_a_program_prints_cannot_steer_the_terminal(cli, gemini, options):
    gemini.says(["So.\x1b[2J", code(r"print('\x1b]0;gotcha\x07', end='')"), "Done."])
    result = cli("ask", SUM, "--live", *options)
    assert "So.␛[2J" in result.stdout
    assert "␛]0;gotcha␇" in result.stdout
    assert "\x1b" not in result.stdout


def test_code_that_fails_is_shown_as_it_failed(cli, gemini):
    gemini.says([code("1 / 0"), code("x = 1"), "Never mind."])
    result = cli("ask", SUM, "--live")
    assert result.exit_code == 0
    assert "output · failed ─" in result.stdout
    assert "ZeroDivisionError: division by zero" in result.stdout
    assert "(it printed nothing)" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask"], "Missing argument"),
        (["ask", " "], "there is nothing in it to answer"),
        (["ask", SUM, "--html", "a", "--notebook", "a"], "name the same file"),
        (["ask", SUM, "--output-dir", "nosuch://x"], "nothing can be saved at a 'nosuch' URL"),
        (["ask", SUM, "--colour"], "No such option"),
        (["ask", SUM, "--live"], "Set GOOGLE_API_KEY"),
        (["chat", "--live"], "Set GOOGLE_API_KEY"),
        (["ask", SUM, "--live", "--brain", "a:b"], "--live and --brain exclude each other; give one"),
        (["chat", "--live", "--script", "a"], "--live and --script exclude each other; give one"),
        (["sing"], "No such command"),
    ],
)
def test_misuse(refusal, arguments, message):
    assert message in refusal(*arguments)


PRICE = {
    "name": "get_price",
    "description": "Look up the price of an item in the catalog.",
    "parameters": {"type": "object", "properties": {"item": {"type": "string"}}, "required": ["item"]},
}


@streamed
@pytest.mark.parametrize("tools", [PRICE, [PRICE]])
def test_declares_functions_and_explains_the_plan(cli, tmp_path, tools, options):
    (tmp_path / "tools.json").write_text(json.dumps(tools))
    question = "What is the price of 'blue lamp' in the catalog?"
    result = cli("ask", question, "--tools", "tools.json", "--explain", *options)
    assert "call · get_price" in result.stdout
    assert result.stdout.count("plan · native") == 1
    reason = "code execution, get_price: the model chooses; it is offered code execution and all functions"
    assert reason in words(result.stdout)


@streamed
def test_explains_that_there_was_nothing_to_choose(cli, options):
    result = cli("ask", SUM, "--explain", *options)
    assert "code execution: no functions are declared" in result.stdout


def test_a_call_is_part_of_the_object(cli, tmp_path):
    (tmp_path / "tools.json").write_text(json.dumps(PRICE))
    result = cli("ask", "What is the price of 'blue lamp' in the catalog?", "--tools", "tools.json", "--json")
    assert json.loads(result.stdout)["tool_calls"] == [{"name": "get_price", "args": {"item": "blue lamp"}}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "cannot read function declarations from tools.json: Expecting value"),
        (None, "cannot read function declarations from tools.json: No such file or directory"),
        ("[]", "tools.json holds something else than function declarations; give it an object with name"),
        ('["get_price"]', "tools.json holds something else than function declarations"),
        ('{"name": 3}', "a function is named 3"),
    ],
)
def test_declarations_that_cannot_be_read_are_an_error(refusal, tmp_path, content, message):
    if content is not None:
        (tmp_path / "tools.json").write_text(content)
    assert message in refusal("ask", SUM, "--tools", "tools.json")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_table_that_is_too_large_may_be_thinned_out_and_both_are_told(cli, gemini, tmp_path, options):
    gemini.says("Fine.")
    (tmp_path / "large.csv").write_text("a,b\n" + f"1,{'x' * 10_000}\n" * 1600)
    result = cli("ask", "What is this?", "-f", "large.csv", "--live", "--down-sample", *options)
    assert result.exit_code == 0
    notice = "large.csv: 1422 of 1600 rows are left out"
    if "--json" in options:
        assert json.loads(result.stdout)["notices"] == [notice]
    else:
        assert result.stdout.count(notice) == 1
    assert "every 9th of 1600 rows" in gemini.body["contents"][0]["parts"][0]["text"]


VERIFIED = {
    "confirmed": [code("print(6 * 7)"), "It is 42."],
    "mismatch": [code("print(6 * 7)"), "It is 43."],
    "not checked": ["It is 42."],
}


@pytest.mark.parametrize("options", [[], ["--stream"], ["--json"]])
@pytest.mark.parametrize("message", VERIFIED)
def test_an_answer_can_be_verified(cli, gemini, message, options):
    gemini.says(VERIFIED[message])
    result = cli("ask", "What is six times seven?", "--live", "--verify", *options)
    assert result.exit_code == (message == "mismatch")
    if "--json" in options:
        assert json.loads(result.stdout)["verification"]["verdict"] == message.replace(" ", "_")
    else:
        assert result.stdout.count(f"Verification: {message}") == 1


def test_the_code_finds_the_file_also_when_it_is_verified(cli, tmp_path):
    (tmp_path / "data.csv").write_text("a,b\n1,2\n3,4\n")
    options = ("-f", "data.csv", "--verify", "--html", "answer.html")
    result = cli("ask", "What is the mean of column b?", *options)
    assert "mean = 3\n" in result.stdout
    assert "Verification: confirmed\n" in result.stdout
    assert "Verification: confirmed" in (tmp_path / "answer.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [[], ["--json"], ["--stream"]])
def test_writes_a_page_and_a_notebook_beside_what_it_prints(cli, tmp_path, options):
    (tmp_path / "answer.html").write_text("old")
    result = cli("ask", SUM, "--html", "answer.html", "--notebook", "answer.ipynb", *options)
    assert result.exit_code == 0
    assert "55" in result.stdout
    page = (tmp_path / "answer.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert SUM in page
    notebook = nbformat.read(tmp_path / "answer.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source == f"**Question**\n\n{SUM}"
    [run] = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "55" in run.outputs[0].text
    for form in (result.stdout, page, notebook.cells[-1].source):
        assert "gemini-3-flash-preview (offline stand-in)" in form
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answer.html", "answer.ipynb"]


@pytest.mark.parametrize(
    ("option", "place"),
    [
        ("--html", "."),
        ("--html", "no/such/folder/answer.html"),
        ("--notebook", "/dev/null"),
        ("--output-dir", "/dev/null"),
        ("--output-dir", "/proc/plots/of/today"),
    ],
)
def test_a_place_that_cannot_be_written_is_named_before_anything_is_paid(
    refusal, gemini, tmp_path, option, place
):
    assert "cannot be written" in refusal("ask", SUM, "--live", option, place)
    assert gemini.requests == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", [SUM, f"\n{SUM}\n\n"])
def test_a_question_comes_through_a_pipe(cli, text):
    result = cli("ask", "-", input=text)
    assert f"\n{SUM}\n" in result.stdout
    assert "55" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["--live"], 1, {"type": "InvalidRequestError", "message": "Bad field.", "status_code": 400}),
        (["--stream"], 2, {"type": "BadParameter", "message": "leave --stream away"}),
        (["--html", "."], 2, {"type": "ConfigurationError", "message": "'.' cannot be written"}),
        (["--file", "no.csv"], 2, {"type": "DataError", "message": "no.csv cannot be read"}),
        (["--live", "--script", "a"], 2, {"type": "BadParameter", "message": "exclude each other"}),
    ],
)
def test_json_is_json_also_when_it_fails(cli, gemini, arguments, code, error):
    gemini.says(EmulatedError(400, message="Bad field."))
    result = cli("ask", SUM, "--json", *arguments)
    assert result.exit_code == code
    assert "Error" not in result.stderr
    found = json.loads(result.stdout)["error"]
    assert error.pop("message") in found["message"]
    assert error.items() <= found.items()


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        (EmulatedError(504), "allow more time with --set timeout=…"),
        (EmulatedError(429), "raise --set max_retries=…"),
        (EmulatedError(404), "(try --set location=global)"),
    ],
)
def test_remedies_speak_of_options(cli, gemini, message, remedy):
    gemini.says(message)
    result = cli("ask", SUM, "--live", "--set", "max_retries=0")
    assert remedy in words(result.stderr)


def test_settings_are_those_of_the_chat_model(cli, gemini, refusal):
    gemini.says("One.")
    cli("ask", SUM, "--live", "--set", "temperature=0", "--set", 'stop=["x"]', "--set", "thinking_level=low")
    sent = gemini.body["generationConfig"]
    assert (sent["temperature"], sent["stopSequences"]) == (0, ["x"])
    assert sent["thinkingConfig"]["thinkingLevel"].lower() == "low"
    assert "write NAME=VALUE, such as timeout=300" in refusal("ask", SUM, "--set", "timeout")
    assert "set GOOGLE_API_KEY instead" in refusal("ask", SUM, "--set", "api_key=secret")
    assert "no JSON" in refusal("ask", SUM, "--set", "stop=[x")
    assert "--set no_such: there is no such setting" in refusal("ask", SUM, "--set", "no_such=1")
    assert "do you mean temperature?" in refusal("ask", SUM, "--set", "temprature=0")

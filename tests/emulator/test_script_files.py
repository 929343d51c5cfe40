"""Scripts with conditions, and scripts written as YAML."""

from __future__ import annotations

import pytest

from langchain_codeexec.emulator import EmulatedError, Prompt, ScriptedBrain, When
from langchain_codeexec.emulator.script_files import read_script
from langchain_codeexec.errors import ConfigurationError

SCRIPT = """
- Hello.
- - Let me compute.
  - code: |
      print(6 * 7)
  - It is 42.
- when: {text: Weather, model: gemini-2.5-flash}
  reply:
    - {call: weather, args: {city: Utrecht}}
- when: {regex: "primes?$"}
  reply: {candidates: [{finishReason: SAFETY}]}
- {error: {status_code: 429, message: Slow down., retry_after: 2}, times: 2}
- [So far., {error: {status_code: 503}}]
- reply: [{text: On the wire, thought: true}]
- [{candidates: [{continuationToken: t}]}]
"""


def asking(*parts, model="gemini-2.5-flash", tools=()):
    contents = [
        {"role": "user", "parts": [{"text": part} if isinstance(part, str) else part for part in parts]}
    ]
    return Prompt(model, "developer", {"contents": contents, "tools": list(tools)})


def answer(brain, *parts, **more):
    return list(brain.respond(asking(*parts, **more)))


def test_every_form_of_a_step():
    steps = read_script(SCRIPT)
    assert steps[:4] == [
        "Hello.",
        [
            "Let me compute.",
            {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)\n"}},
            "It is 42.",
        ],
        When(
            reply=[{"functionCall": {"name": "weather", "args": {"city": "Utrecht"}}}],
            text="Weather",
            model="gemini-2.5-flash",
        ),
        When(reply={"candidates": [{"finishReason": "SAFETY"}]}, regex="primes?$"),
    ]
    slow, again, (so_far, broken), wire, chunks = steps[4:]
    assert chunks == [{"candidates": [{"continuationToken": "t"}]}]
    assert slow is again
    assert (slow.status_code, slow.message, slow.headers) == (429, "Slow down.", {"Retry-After": "2"})
    assert [detail["retryDelay"] for detail in slow.details] == ["2s"]
    assert (so_far, broken.status_code, broken.message) == ("So far.", 503, EmulatedError(503).message)
    assert wire == [{"text": "On the wire", "thought": True}]


@pytest.mark.parametrize("spell", [str, lambda path: path], ids=["name", "path"])
def test_a_script_from_a_file(tmp_path, spell, start):
    path = tmp_path / "script.yaml"
    path.write_text("steps: [Þetta er svar.]", encoding="utf-8")
    brain = ScriptedBrain.from_yaml(spell(path))
    ask = {"contents": [{"role": "user", "parts": [{"text": "Go"}]}]}
    assert start(brain).parts(ask) == [{"text": "Þetta er svar."}]
    brain.assert_finished()


@pytest.mark.parametrize(
    ("condition", "texts", "fits"),
    [
        ({}, ["anything"], True),
        ({"text": "PRIME"}, ["the primes"], True),
        ({"text": "prime"}, ["the squares"], False),
        ({"text": "one"}, ["one", "two"], True),
        ({"regex": "^two"}, ["one", "two"], False),
        ({"regex": "(?m)^two"}, ["one", "two"], True),
        ({"regex": "Prime"}, ["prime"], False),
        ({"model": "gemini-2.5-flash"}, ["x"], True),
        ({"model": "gemini-2.5"}, ["x"], False),
        ({"text": "x", "model": "gemini-3-pro"}, ["x"], False),
        ({"text": "21 °C"}, [{"functionResponse": {"name": "f", "response": {"t": "21 °C"}}}], True),
        ({"text": "png"}, [{"inlineData": {"mimeType": "image/png", "data": ""}}], False),
    ],
)
def test_what_a_condition_fits(condition, texts, fits):
    assert When(reply="Yes.", **condition).fits(asking(*texts)) is fits


def test_a_request_without_contents_fits_what_has_no_condition():
    assert When(reply="Yes.").fits(Prompt("m", "vertex", {}))


def test_each_request_uses_the_first_step_that_fits():
    brain = ScriptedBrain(
        [When(text="b", reply="B"), "Any", When(text="a", reply="A"), When(text="a", reply="A2")]
    )
    texts = [answer(brain, text)[0]["text"] for text in ("a", "a", "b", "a")]
    assert texts == ["Any", "A", "B", "A2"]
    brain.assert_finished()


def test_what_does_not_meet_is_shown_on_both_sides():
    brain = ScriptedBrain(
        [When(text="rain", reply="Wet."), When(regex="^snow", model="m", reply=["x" * 300])]
    )
    with pytest.raises(EmulatedError) as caught:
        answer(brain, "Will the sun shine?", tools=[{"codeExecution": {}}])
    message = caught.value.message
    assert "no step for request 1 (model gemini-2.5-flash): none of the 2 left fits" in message
    assert "Request: gemini-2.5-flash, tools ['codeExecution'], says 'Will the sun shine?'" in message
    assert "Step left: when {'text': 'rain'}: 'Wet.'" in message
    assert "Step left: when {'regex': '^snow', 'model': 'm'}: ['xxx" in message
    assert message.endswith("…")
    answer(brain, "rain")
    with pytest.raises(AssertionError) as unfinished:
        brain.assert_finished()
    message = str(unfinished.value)
    assert message.startswith("steps of the script not used: 1; requests not answered: 1")
    assert "Not used: when {'regex': '^snow'" in message
    assert "Not answered: gemini-2.5-flash, tools ['codeExecution'], says 'Will the sun shine?'" in message


def test_a_plain_step_not_used_is_shown():
    with pytest.raises(AssertionError, match=r"Not used: 'Bye\.'"):
        ScriptedBrain(["Bye."]).assert_finished()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("- [", "the script is no YAML"),
        ("just a text", "the script holds no list of steps"),
        ("steps: {}", "holds no list of steps"),
        ("- Hello.\n- 42", "step 2 of the script: 42 is no step; give a text (in quotes where it looks like"),
        ("- {candidate: []}", "is no step"),
        ("- [42]", "42 is no part"),
        ("- [{}]", "{} is no part"),
        (
            "- [{txt: Hi}]",
            "is no part; give a text or a mapping with any of call, code, error, codeExecutionResult",
        ),
        ("- [{code: 5}]", "code in {'code': 5} is no text"),
        ("- [{code: x, args: {}}]", "has args; it may have code"),
        ("- [{call: f, args: [1]}]", "args in {'call': 'f', 'args': [1]} is no mapping"),
        ("- {when: {text: a}}", "give it either a reply or an error"),
        ("- {reply: a, error: {status_code: 400}}", "give it either a reply or an error"),
        ("- {reply: a, if: b}", "there is no if beside error, reply, times, when"),
        ("- {reply: a, when: b}", "when is 'b'; give it texts for any of model, regex, text"),
        ("- {reply: a, when: {txt: b}}", "give it texts for any of"),
        ("- {reply: a, when: {text: 5}}", "give it texts for any of"),
        ("- {reply: a, when: {regex: '('}}", "regex '(' of a step is no regular expression"),
        ("- {reply: a, times: 0}", "times is 0, not a number from 1 on"),
        ("- {reply: a, times: yes}", "times is True"),
        ("- {error: 429}", "error is 429; give it a status_code"),
        ("- {error: {message: a}}", "give it a status_code"),
        ("- {error: {status_code: many}}", "status_code in {'status_code': 'many'} is no whole number"),
        ("- {error: {status_code: 7}}", "there is no HTTP status 7"),
        ("- {error: {status_code: 400, code: 1}}", "has code; it may have"),
    ],
)
def test_what_is_no_script_is_told_with_its_place(script, message):
    with pytest.raises(ConfigurationError) as caught:
        ScriptedBrain.from_yaml(script)
    assert message in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere\.yml cannot be read: No such file"):
        ScriptedBrain.from_yaml(str(tmp_path / "nowhere.yml"))
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        ScriptedBrain.from_yaml(binary)


def test_a_condition_with_a_reply_that_is_none():
    with pytest.raises(ConfigurationError, match="a step of the script is 5"):
        ScriptedBrain([When(reply=5)])

"""`chat`: turns, their memory and the ways out."""

from __future__ import annotations

import io

import pytest

from langchain_codeexec.emulator import EmulatedError


def texts(body) -> list[str]:
    """The texts of a request; a signature may ride on an empty one."""
    return [part["text"] for content in body["contents"] for part in content["parts"] if part["text"]]


class Keyboard(io.StringIO):
    """Lines typed at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(cli, capsys, monkeypatch):
    """Run `chat` as somebody types; returns exit code and what was shown."""
    from langchain_codeexec.cli.app import app

    def run(lines: str, *options: str) -> tuple[object, str, str]:
        monkeypatch.setattr("sys.stdin", Keyboard(lines))
        with pytest.raises(SystemExit) as left:
            app(["chat", *options])
        return left.value.code, *capsys.readouterr()

    return run


def test_every_turn_sends_the_ones_before(cli, gemini):
    gemini.says("One.", "Two.")
    result = cli("chat", "--live", input="first\nsecond\n")
    assert result.exit_code == 0
    assert texts(gemini.body) == ["first", "One.", "second"]
    shown = [line for line in result.stdout.splitlines() if line in ("first", "One.", "second", "Two.")]
    assert shown == ["first", "One.", "second", "Two."]


def test_code_runs_in_a_turn(cli):
    result = cli("chat", input='Can you print "Hello world!"?\n')
    assert "output · ok" in result.stdout
    assert "Hello world!\n" in result.stdout


def test_reset_forgets(cli, gemini):
    gemini.says("One.", "Two.")
    result = cli("chat", "--live", input="first\n/reset\nsecond\n")
    assert texts(gemini.body) == ["second"]
    assert "The conversation is forgotten." in result.stderr


@pytest.mark.parametrize(
    "lines", ["/quit\nnever sent\n", "", "\n  \n/quit\n", "/quit"], ids=["quit", "end", "blank", "no newline"]
)
def test_leaves_cleanly_without_asking_anything(cli, gemini, lines):
    result = cli("chat", "--live", input=lines)
    assert result.exit_code == 0
    assert gemini.requests == ()


def test_an_unknown_command_is_not_sent(cli, gemini):
    result = cli("chat", "--live", input="/quti\n")
    assert "No such command. /reset forgets the conversation, /quit leaves." in result.stderr
    assert gemini.requests == ()


def test_an_empty_answer_leaves_no_trace_in_the_history(cli, gemini):
    gemini.says({"candidates": [{"finishReason": "SAFETY"}]}, "Two.")
    result = cli("chat", "--live", input="first\nsecond\n")
    assert "The answer was withheld by the safety settings" in result.stdout
    assert texts(gemini.body) == ["second"]


def test_a_failed_turn_ends_a_chat_that_nobody_watches(cli, gemini):
    gemini.says(EmulatedError(403, message="Not you."))
    result = cli("chat", "--live", input="first\nsecond\n")
    assert result.exit_code == 1
    assert "Not you." in result.stderr
    assert len(gemini.requests) == 1


def test_at_a_terminal_the_chat_goes_on_after_a_failed_turn(typed, gemini):
    gemini.says("One.", EmulatedError(403, message="Not now."), "Three.")
    code, stdout, stderr = typed("first\nsecond\nthird\n/quit\n", "--live")
    assert code == 0
    assert "/reset forgets the conversation, /quit leaves." in stderr
    assert "Not now." in stderr
    assert "Three." in stdout
    assert texts(gemini.body) == ["first", "One.", "third"]


def test_at_a_terminal_a_prompt_waits_and_the_question_is_not_repeated(typed, gemini):
    gemini.says("One.")
    code, stdout, _ = typed("first\n", "--live")
    assert code == 0
    assert stdout.startswith("you> ")
    assert "first" not in stdout

"""`chat`: turns, their memory and the ways out."""

import io
import json

import pytest

from langchain_codeexec.emulator import EmulatedError
from tests.cli.conftest import words


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


def test_reset_forgets_and_an_unknown_command_is_not_sent(cli, gemini):
    gemini.says("One.", "Two.")
    result = cli("chat", "--live", input="first\n/reset\n/quti\nsecond\n")
    assert texts(gemini.body) == ["second"]
    assert "The conversation is forgotten." in result.stderr
    assert "No such command. help shows this, reset forgets the conversation, exit or quit leaves" in words(
        result.stderr
    )


@pytest.mark.parametrize(
    "lines",
    [
        "/quit\nnever sent\n",
        "exit\n",
        " Quit\n",
        "/exit\n",
        "",
        "\n  \nquit\n",
        "quit",
        "help\nreset\nquit\n",
    ],
)
def test_leaves_cleanly_without_asking_anything(cli, gemini, lines):
    result = cli("chat", "--live", input=lines)
    assert result.exit_code == 0
    assert gemini.requests == ()


@pytest.mark.parametrize("command", ["help", "/help"])
def test_help_names_the_commands(cli, gemini, command):
    result = cli("chat", "--live", input=f"{command}\n")
    assert result.stderr.startswith("help shows this, reset forgets the conversation, exit or quit leaves")
    assert gemini.requests == ()


def test_files_go_with_the_first_question_and_again_after_a_reset(cli, gemini, tmp_path):
    (tmp_path / "sales.csv").write_text("month,units\nJan,10\n")
    gemini.says("One.", "Two.", "Three.")
    result = cli("chat", "--live", "--file", "sales.csv", input="first\nsecond\nreset\nthird\n")
    assert result.exit_code == 0
    sent = [json.dumps(request.body).count("inlineData") for request in gemini.requests]
    assert sent == [1, 1, 1]
    assert len(gemini.body["contents"]) == 1


def test_a_file_that_cannot_be_read_is_named_before_the_chat(refusal):
    assert "no.csv cannot be read: No such file" in refusal("chat", "--file", "no.csv", input="first\n")


@pytest.mark.parametrize("option", ["--stream", "--no-stream"])
def test_answers_come_in_pieces_or_whole(cli, gemini, option):
    gemini.says("One.")
    result = cli("chat", "--live", option, input="first\n")
    assert "One.\n" in result.stdout
    assert ("stream" in gemini.requests[-1].path) is (option == "--stream")


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
    assert "reset forgets the conversation, exit or quit leaves" in stderr
    assert "Not now." in stderr
    assert "Three." in stdout
    assert texts(gemini.body) == ["first", "One.", "third"]


def test_at_a_terminal_a_prompt_waits_and_the_question_is_not_repeated(typed, gemini):
    gemini.says("One.")
    code, stdout, _ = typed("first\n", "--live")
    assert code == 0
    assert stdout.startswith("you> ")
    assert "first" not in stdout

"""Laws of what is sent in place of given programs, and the rules of the emulator as a model."""

from __future__ import annotations

import ast
import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_codeexec import ChatGeminiCodeExecution, ExecutionRequest, LocalSandbox
from langchain_codeexec.emulator import GeminiEmulator
from langchain_codeexec.executors.gemini import GeminiExecutor
from langchain_codeexec.executors.gemini_programs import program_from_requests, same_program

if TYPE_CHECKING:
    from collections.abc import Iterator

STATEMENTS = st.sampled_from(
    [
        "from __future__ import annotations",
        '"""A text that says: from __future__ import annotations."""',
        "x = globals().get('x', 0) + 1",
        "print(x if 'x' in globals() else None)",
        "print('größer', end='')",
        "def f(a: int = 1):\n    return a",
        "y = '''\n   \n'''; print(y)",
    ]
)


def is_program(code: str) -> bool:
    try:
        compile(code, "given", "exec")
    except SyntaxError:
        return False
    return True


PROGRAMS = st.lists(STATEMENTS, max_size=4).map("\n".join).filter(is_program)


def printed_by(code: str, namespace: dict[str, object]) -> str:
    with redirect_stdout(io.StringIO()) as out:
        exec(compile(code, "program", "exec", dont_inherit=True), namespace)
    return out.getvalue()


@given(st.lists(PROGRAMS, min_size=1, max_size=4))
def test_the_last_of_several_programs_prints_what_it_prints_after_the_others(programs: list[str]):
    program = program_from_requests([ExecutionRequest(code) for code in programs])
    namespace: dict[str, object] = {}
    one_by_one = [printed_by(code, namespace) for code in programs]
    whole = printed_by(program.code, {})

    before, _, after = whole.partition(f"{program.marker}\n") if program.marker else ("", "", whole)
    assert (before, after) == ("".join(one_by_one[:-1]), one_by_one[-1])


@given(PROGRAMS)
def test_one_program_is_sent_as_it_stands(code: str):
    assert program_from_requests([ExecutionRequest(code)]).code == code


@given(PROGRAMS, PROGRAMS)
def test_sources_are_one_program_if_their_syntax_is(one: str, other: str):
    assert same_program(one, other) == (ast.dump(ast.parse(one)) == ast.dump(ast.parse(other)))
    assert same_program(one, f"# first\n\n{one}\n# last\n")


@given(st.text(max_size=50))
@settings(max_examples=50)
def test_every_text_is_the_same_as_itself(text: str):
    assert same_program(text, text)


@pytest.fixture(scope="module")
def executor() -> Iterator[GeminiExecutor]:
    with LocalSandbox(preload=()) as sandbox, GeminiEmulator(executor=sandbox) as emulator:
        yield GeminiExecutor.from_chat_model(
            ChatGeminiCodeExecution(
                model="gemini-2.5-flash", vertexai=False, api_key="any", base_url=emulator.url, max_retries=0
            )
        )


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("print(6 * 7)", "42\n"),
        (
            "# What is the mean of 3, 4 and 5?\nprint('What is 2 + 2? And 3 * 3?')",
            "What is 2 + 2? And 3 * 3?\n",
        ),
        ("text = '''\n```python\n   \n'''\nprint(text)", "\n```python\n   \n\n"),
        ("\n    \nif True:\n    print('indented')", "indented\n"),
        ("rows = '''\na,b\n1,2\n3,4\n'''\nprint(len(rows))", "13\n"),
        (f"# {'long ' * 2000}\nprint('end')", "end\n"),
    ],
)
def test_the_rules_run_given_programs(executor: GeminiExecutor, code: str, printed: str):
    assert executor.run(ExecutionRequest(code)).stdout == printed

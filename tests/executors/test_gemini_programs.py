"""Laws of what is sent in place of given programs."""

import ast
import io
from contextlib import redirect_stdout

from hypothesis import given
from hypothesis import strategies as st

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.executors.gemini_programs import program_from_requests, same_program

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
def test_every_text_is_the_same_as_itself(text: str):
    assert same_program(text, text)


def test_one_request_that_comes_again_and_again():
    request = ExecutionRequest("print('x')")
    program = program_from_requests([request] * 3)
    assert printed_by(program.code, {}) == f"x\nx\n{program.marker}\nx\n"

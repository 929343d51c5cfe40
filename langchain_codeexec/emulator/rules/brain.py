"""The rule-based brain: the ways to answer, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from langchain_codeexec.emulator.rules.conversation import Conversation
from langchain_codeexec.emulator.rules.followups import standing_alone
from langchain_codeexec.emulator.rules.functions.choice import Call, chosen, forced, nearest, wanted
from langchain_codeexec.emulator.rules.functions.code_runners import delegated
from langchain_codeexec.emulator.rules.functions.responses import answer_with, computation_with, printed_by
from langchain_codeexec.emulator.rules.phrases import no_code, seen_files, small_talk, unable
from langchain_codeexec.emulator.rules.phrasing import phrase
from langchain_codeexec.emulator.rules.skills import solve, solve_each
from langchain_codeexec.emulator.rules.skills.documents import not_told
from langchain_codeexec.emulator.rules.solution import Solution, labelled
from langchain_codeexec.emulator.rules.structured import Facts, enum_answer, filled, json_answer
from langchain_codeexec.executions import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from langchain_codeexec.emulator.brain import Prompt
    from langchain_codeexec.emulator.rules.question import Question
    from langchain_codeexec.executions import ExecutionResult
    from langchain_codeexec.gemini.wire import Part

__all__ = ["RuleBrain"]

_POINTS_BACK = phrase(r"\b(?:above|previous|so far|earlier)\b")
_Turn: TypeAlias = "Generator[Part, ExecutionResult | None, None]"


class RuleBrain:
    """Answers by rules, offline and the same way every time.

    It writes Python for the questions its skills understand and builds the answer from what the run
    printed, calls declared functions whose arguments it finds in the question, and fills schemas from
    both. It is no language model, and says so where its rules end.
    """

    def respond(self, prompt: Prompt) -> _Turn:
        """Answer one request, part by part."""
        conversation = Conversation.of(prompt.request)
        if conversation.shows_thoughts:
            yield {"text": _thought(conversation), "thought": True}
        question = standing_alone(conversation)
        way, turn = next((way, turn) for way in _WAYS if (turn := way(conversation, question)) is not None)
        prompt.notes.append(f"rule: {way.__name__.strip('_').replace('_', ' ')}")
        yield from turn


def _thought(conversation: Conversation) -> str:
    means = ["code execution"] if conversation.can_run else []
    means += [f"the function {declared.name}" for declared in conversation.declarations]
    available = f"I may use {', '.join(means)}." if means else "I may use no tools."
    return f"I am matching the question against my rules. {available}"


def _text(text: str) -> _Turn:
    yield {"text": text}


def _calls(calls: Sequence[Call]) -> _Turn:
    for call in calls:
        yield {"functionCall": {"name": call.name, "args": call.args}}


def _run(solution: Solution) -> Generator[Part, ExecutionResult | None, str]:
    """Yield the program; return the answer's sentence, made of its output or of its failure."""
    result = yield {"executableCode": {"language": "PYTHON", "code": solution.code}}
    return _sentence(solution, result)


def _sentence(solution: Solution, result: ExecutionResult | None) -> str:
    if result is None:
        return "The code was not run, so I have no result to give."
    if result.outcome is Outcome.OK:
        return solution.sentence(result.output)
    last_line = (result.output.strip().splitlines() or ["no reason was given"])[-1]
    ending = "took too long" if result.outcome is Outcome.DEADLINE_EXCEEDED else "failed"
    return f"The code {ending}, so I have no result to give: {last_line}"


def _computed(solutions: Sequence[Solution]) -> _Turn:
    for solution in solutions:
        yield {"text": f"{solution.plan}\n\n"}
        sentence = yield from _run(solution)
        yield {"text": f"{sentence}\n"}


def _made(conversation: Conversation) -> list[Call]:
    return [Call(call.get("name", ""), call.get("args") or {}) for call in conversation.calls]


def _forced_calls(conversation: Conversation, question: Question) -> _Turn | None:
    """A function call where the request demands one."""
    if not conversation.must_call:
        return None
    solution = solve(question) if conversation.can_run else None
    if solution and not chosen(question.text, conversation.declarations):
        return _computed_call(conversation, question, solution)
    calls = forced(question.text, conversation.declarations)
    return _calls([call for call in calls if call not in _made(conversation)] or calls)


def _computed_call(conversation: Conversation, question: Question, solution: Solution) -> _Turn:
    """A call whose arguments come from a run: the function serves as the form of the answer."""
    declaration = nearest(question.text, conversation.declarations)
    facts = yield from _found_out(question, solution)
    args = filled({"type": "object", **declaration.parameters}, facts)
    yield {"functionCall": {"name": declaration.name, "args": args}}


def _structured(conversation: Conversation, question: Question) -> _Turn | None:
    """JSON or one option of an enum, where the request asks for it and no function comes first."""
    if conversation.answer_schema is None:
        return None
    if not conversation.responses and (turn := _chosen_calls(conversation, question)):
        return turn
    return _structured_turn(conversation, question)


def _structured_turn(conversation: Conversation, question: Question) -> _Turn:
    schema = conversation.answer_schema or {}
    facts = _known(conversation, question)
    if facts is None:
        solution = solve(question) if conversation.can_run else None
        facts = (yield from _found_out(question, solution)) if solution else Facts(question.text)
    yield {"text": enum_answer(schema, facts) if conversation.enumerates else json_answer(schema, facts)}


def _known(conversation: Conversation, question: Question) -> Facts | None:
    """What functions answered, or what an earlier exchange found where the question points back to it."""
    if conversation.responses:
        said = answer_with(conversation.calls, conversation.responses)
        return Facts(f"{question.text}\n{said}", sentence=said)
    if not (conversation.earlier and _POINTS_BACK.search(question.prose)):
        return None
    earlier = conversation.earlier[-1]
    values = labelled(earlier.output or earlier.reply)  # a client may replay a run as text
    sentence = earlier.reply.strip().rpartition("\n")[2]
    return Facts(f"{earlier.question}\n{sentence}", values, next(iter(values), ""), sentence)


def _found_out(question: Question, solution: Solution) -> Generator[Part, ExecutionResult | None, Facts]:
    """Yield the program; return what its run showed."""
    result = yield {"executableCode": {"language": "PYTHON", "code": solution.code}}
    values = labelled(result.output) if result and result.outcome is Outcome.OK else {}
    return Facts(question.text, values, solution.result_label, _sentence(solution, result), solution.code)


def _chosen_calls(conversation: Conversation, question: Question) -> _Turn | None:
    """The calls of declared functions that the question asks for and that were not made yet."""
    made = _made(conversation)
    calls = [call for call in chosen(question.text, conversation.declarations) if call not in made]
    if calls and not made:
        return _calls(calls)
    called = {call.name for call in made}
    further = [call for call in calls if call.name not in called]
    return _calls(further) if further else None


def _delegated_code(conversation: Conversation, question: Question) -> _Turn | None:
    """A call of a declared function that runs code, where code execution itself is not declared."""
    if conversation.can_run or conversation.responses:
        return None
    solution = solve(question)
    call = solution and delegated(question.text, solution, conversation.declarations)
    return _calls([call]) if call else None


def _after_responses(conversation: Conversation, question: Question) -> _Turn | None:
    """What functions answered: computed further where the question asks for it, else told."""
    if not conversation.responses:
        return None
    computation = computation_with(question.text, conversation.responses) if conversation.can_run else None
    if computation:
        return _computed([computation])
    if (solution := solve(question)) and (printed := printed_by(solution, conversation.responses)):
        return _text(solution.sentence(printed))
    return _text(answer_with(conversation.calls, conversation.responses))


def _computation(conversation: Conversation, question: Question) -> _Turn | None:
    """A program, where one of the skills understands the question and code execution is declared."""
    solutions = solve_each(question) if conversation.can_run else []
    return _computed(solutions) if solutions else None


def _not_told(_: Conversation, question: Question) -> _Turn | None:
    """That the documents of the request lack what the question needs."""
    reply = not_told(question)
    return _text(reply) if reply else None


def _small_talk(_: Conversation, question: Question) -> _Turn | None:
    reply = small_talk(question.text)
    return _text(reply) if reply else None


def _asking(conversation: Conversation, question: Question) -> _Turn | None:
    """A question back, where a declared function is meant but lacks arguments."""
    want = wanted(question.text, conversation.declarations)
    if want is None:
        return None
    return _text(
        f"To call {want.declaration.name} I need: {', '.join(want.missing)}. "
        "Please state this in your question."
    )


def _refusal(conversation: Conversation, question: Question) -> _Turn:
    """An honest word on what the rules cannot do."""
    if not conversation.can_run and solve(question):
        return _text(no_code())
    if question.attachments:
        return _text(seen_files(question.attachments))
    return _text(unable())


_WAYS: tuple[Callable[[Conversation, Question], _Turn | None], ...] = (
    _forced_calls,
    _structured,
    _chosen_calls,
    _delegated_code,
    _after_responses,
    _computation,
    _not_told,
    _small_talk,
    _asking,
    _refusal,
)

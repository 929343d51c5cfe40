"""`demo`: five questions that show what the package does, answered offline."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

import langchain_codeexec
from langchain_codeexec import data, records
from langchain_codeexec.cli import options
from langchain_codeexec.cli.model import chosen_brain, offline_model
from langchain_codeexec.cli.output import (
    FAILED,
    answer_of,
    failure_panel,
    print_sections,
    reported,
    results,
    stderr,
    verdict,
)
from langchain_codeexec.errors import CodeExecError, MissingDependencyError

__all__ = ["demo"]

_STOCK = {"M6 bolt": 3400, "M8 bolt": 1280, "M8 nut": 95}


def pieces_in_stock(article: str) -> int:
    """Count the pieces of an article in the warehouse.

    Args:
        article: Name of the article.
    """
    return _STOCK.get(article, 0)


@dataclass(frozen=True, slots=True)
class Scene:
    """One question."""

    title: str  # what it demonstrates
    question: str
    is_right: Callable[[Any], bool]  # whether an answer is as it has to be
    continues: bool = False  # whether it belongs to the conversation of the scene before
    function: Callable[..., Any] | None = None  # a function of this process that the model may call
    library: str = ""  # what its code imports beside the standard library


def _prints(text: str) -> Callable[[Any], bool]:
    """Whether code that ran well printed a text, and the answer repeats it."""
    return lambda answer: (
        text in answer.text
        and any(run.ok and text in (run.output or "") for run in langchain_codeexec.code_executions(answer))
    )


SCENES = (
    Scene("a calculation", "What is the sum of the first 10 positive integers?", _prints("55")),
    Scene("a chat, first turn", 'Can you print "Hello world!"?', _prints("Hello world!")),
    Scene(
        "the same chat, second turn",
        "What is the sum of the first 50 prime numbers? Generate and run code for the calculation, and make "
        "sure you get all 50.",
        _prints("5117"),
        continues=True,
    ),
    Scene(
        "a plot",
        "Plot a bar chart of the rainfall in mm: January 48, February 40, March 45, April 52.",
        lambda answer: bool(data.outputs_of(answer)),
        library="matplotlib",
    ),
    Scene(
        "a local function instead of code",
        "How many pieces of the article 'M8 bolt' are in stock?",
        lambda answer: "1280" in answer.text and not langchain_codeexec.code_executions(answer),
        function=pieces_in_stock,
    ),
)


def demo(
    *,
    output_dir: Annotated[Path, typer.Option(help="Where the plot is saved.")] = options.DEFAULT_IMAGES,
    debug: options.Debug = False,
) -> None:
    """Show five questions answered offline: by code that runs, and by a function of this program."""
    from langchain_codeexec.executors.default import DefaultExecutor  # noqa: PLC0415 -- `--help` runs no code

    console = results()
    executor = DefaultExecutor(allow_unsafe=True)  # the only code is what the scenes hold for these questions
    with reported(debug=debug):
        console.print(f"[bold]{chosen_brain().description}[/]\n")
        executor.isolation()  # says now, before anything runs, that programs are not isolated here
        with offline_model(model=options.DEFAULT_MODEL, executor=executor) as llm:
            history: list[Any] = []
            right = left_out = 0
            for number, scene in enumerate(SCENES, 1):
                console.print(f"[reverse] {number}/{len(SCENES)} {scene.title} [/]\n")
                if scene.library and find_spec(scene.library) is None:
                    console.print(
                        f"Left out: {MissingDependencyError(scene.library, 'plots')}\n", markup=False
                    )
                    left_out += 1
                    continue
                if not scene.continues:
                    history.clear()
                right += _is_right(scene, llm, history, output_dir)
    tried = len(SCENES) - left_out
    console.print(f"[bold]{right} of {tried} came out{', 1 was left out' if left_out else ''}.[/]")
    if right < tried:
        raise typer.Exit(FAILED)


def _is_right(scene: Scene, llm: Any, history: list[Any], directory: Path) -> bool:
    """Play one scene; whether its answer is as it has to be."""
    try:
        answer = _final_answer(scene, llm, history, directory)
    except CodeExecError as error:
        stderr().print(failure_panel(error))
        return False
    right = verdict(answer) == 0 and scene.is_right(answer)
    if not right:
        results().print("[red]✗ This is not the answer it should be.[/]\n")
    return right


def _final_answer(scene: Scene, llm: Any, history: list[Any], directory: Path) -> Any:
    """Ask, and call the function as long as the model wants it."""
    model = llm.bind_tools([scene.function]) if scene.function else llm
    print_sections(records.sections.Section("question", scene.question))
    history.append({"role": "user", "content": scene.question})
    while True:
        answer = answer_of(model, history, directory)
        history.append(answer)
        print_sections(*records.sections.sections_of(answer))
        if not (answer.tool_calls and scene.function):
            return answer
        for call in answer.tool_calls:
            result = str(scene.function(**call["args"]))
            print_sections(records.sections.Section("reply", result, call["name"]))
            history.append({"role": "tool", "content": result, "tool_call_id": call["id"]})

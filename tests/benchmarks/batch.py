"""`python -m tests.benchmarks.batch [test.jsonl]`: rows a second, memory, and ten kills of a batch.

With GSM8K's test problems (`grade_school_math/data/test.jsonl` of github.com/openai/grade-school-math) their annotated
calculations are what the emulator runs, and every answer is compared with theirs; by default with multiplications.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.batch import run_batch
from langchain_codeexec.emulator import GeminiEmulator, Prompt, ScriptedBrain

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]

CALCULATION = re.compile(r"<<([^=>]+)=([^>]*)>>")
KILLS = 10


def lines_of(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def value(text: str) -> float:
    """The number in a text such as `$1,000`."""
    return float(re.sub(r"[^\d.-]", "", text))


def solution(row: Row) -> float:
    return value(row["answer"].rpartition("####")[2])


def program(row: Row) -> tuple[str, bool]:
    """The calculations of a problem; and whether its solution is one of them, not only stated beside them."""
    terms = [term.replace(",", "") for term, _ in CALCULATION.findall(row["answer"])]
    terms = [re.sub(r"\b0+(?=\d)", "", term) for term in terms]
    solving = [term for term in terms if abs(eval(term) - solution(row)) < 1e-6]
    lines = [f"print({term!r}, '=', {term})" for term in terms]
    return "\n".join([*lines, f"print({solving[-1] if solving else solution(row)})"]), bool(solving)


def serve(path: str) -> None:
    """An emulator that answers the questions of a file, until its input ends."""
    programs = {row["question"]: program(row)[0] for row in lines_of(Path(path))}

    def answer(prompt: Prompt) -> Any:
        [part] = prompt.request["contents"][-1]["parts"]
        result = yield {"executableCode": {"language": "PYTHON", "code": programs[part["text"]]}}
        yield {"text": f"The answer is {result.stdout.split()[-1]}"}

    with GeminiEmulator(ScriptedBrain(lambda prompt: answer), log=deque(maxlen=0)) as emulator:
        print(emulator.url, flush=True)
        sys.stdin.read()


def measure(questions: str, output: str, url: str, concurrency: str, workers: str) -> None:
    """One batch in a process of its own, or in so many workers of Ray."""
    if ray := None if workers == "0" else "local":
        import_module("ray").init(ray, num_cpus=int(workers), log_to_driver=False)
    start = time.perf_counter()
    with_model = ChatGeminiCodeExecution(model="gemini-3-flash-preview", api_key="any", base_url=url)
    report = run_batch(questions, with_model, output, concurrency=int(concurrency), ray=ray)
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([report.answered, seconds, memory]))


@contextmanager
def served(path: Path) -> Iterator[str]:
    command = [sys.executable, "-m", __spec__.name, "serve", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def batch(
    questions: Path, output: Path, url: str, concurrency: int, workers: int = 0
) -> tuple[int, float, float]:
    command = [sys.executable, "-m", __spec__.name, "measure", questions, output, url, concurrency, workers]
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, check=True)
    rows, seconds, memory = json.loads(done.stdout)
    return rows, seconds, memory


def killed(questions: Path, output: Path, url: str, seconds: float) -> None:
    """Kill a batch that takes so long at ten random moments, then let it end; whole lines must stay as they are."""
    command = [sys.executable, "-m", "langchain_codeexec", "batch", questions, "-o", output, "--live"]
    environment = {**os.environ, "GOOGLE_API_KEY": "any", "GOOGLE_GEMINI_BASE_URL": url}
    chance, kept = random.Random(), b""
    for _ in range(KILLS):
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and (not output.exists() or output.stat().st_size <= len(kept)):
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 2 * seconds / (KILLS + 1)))
            process.kill()
        content = output.read_bytes()
        assert content.startswith(kept)
        kept = content[: content.rfind(b"\n") + 1]
        lines, torn = kept.count(b"\n"), len(content) - len(kept)
        print(f"  killed with {lines} rows written and {torn} bytes of one more", flush=True)
    subprocess.run(command, env=environment, check=True)
    assert output.read_bytes().startswith(kept)


def multiplications() -> list[Row]:
    return [
        {"question": f"What is {n} * 7?", "answer": f"<<{n}*7={n * 7}>>\n#### {n * 7}"}
        for n in range(1, 1001)
    ]


def main(path: str = "") -> None:
    """Measure, compare and kill; several minutes."""
    rows = lines_of(Path(path)) if path else multiplications()
    calculated = sum(program(row)[1] for row in rows)
    print(f"{len(rows)} problems; the solution of {calculated} is one of their calculations")
    with TemporaryDirectory() as folder:
        questions = Path(folder, "questions.jsonl")
        questions.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        with served(questions) as url:
            taken = compared(questions, Path(folder), url)
            print("\nrows, concurrency, workers of Ray, rows a second, peak MiB")
            cases = [(100, 1, 0), (100, 2, 0), (1_000, 1, 0), (1_000, 2, 0), (10_000, 2, 0)]
            if find_spec("ray"):
                cases += [(1_000, 8, 1), (1_000, 8, 2)]
            for count, concurrency, workers in cases:
                some = Path(folder, "some.jsonl")
                lines = (json.dumps(row) + "\n" for row in islice(cycle(rows), count))
                some.write_text("".join(lines), encoding="utf-8")
                output = Path(folder, f"{count}-{concurrency}-{workers}.jsonl")
                done, seconds, memory = batch(some, output, url, concurrency, workers)
                print(
                    f"{done:>6}{concurrency:>4}{workers:>4}{done / seconds:>10.1f}{memory:>10.1f}", flush=True
                )
            print("\nkills")
            killed(questions, Path(folder, "killed.jsonl"), url, taken)
            ids = [row["id"] for row in lines_of(Path(folder, "killed.jsonl"))]
            print(f"  {len(ids)} rows, {len({*ids})} distinct, of {len(rows)}")


def compared(questions: Path, folder: Path, url: str) -> float:
    """Answer all of them, and return how many seconds that took."""
    done, seconds, _ = batch(questions, folder / "answers.jsonl", url, 8)
    right = sum(abs(value(row["answer"]) - solution({"answer": row["input_answer"]})) < 1e-6
                for row in lines_of(folder / "answers.jsonl") if not row["error"])  # fmt: skip
    print(f"{done} answered, 8 at a time, {done / seconds:.1f} rows a second: {right} right")
    return seconds


if __name__ == "__main__":
    {"serve": serve, "measure": measure}.get((sys.argv[1:] or [""])[0], main)(
        *sys.argv[2 if sys.argv[1:2] in (["serve"], ["measure"]) else 1 :]
    )

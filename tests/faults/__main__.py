"""`python -m tests.faults`: every fault in every call style, as a table; exit code 1 if a cell is wrong."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.faults.matrix import FAULTS, STYLES, Fault, problem_of, run_cell


def cell(fault: Fault, style: str) -> tuple[str, float]:
    """What is wrong, and how many seconds it took to see."""
    start = time.monotonic()
    try:
        problem = problem_of(fault, style, run_cell(fault, style))
    except Exception as error:  # noqa: BLE001 -- a call that raises what is no `CodeExecError` is wrong
        problem = f"{error!r:.300}"
    return problem, time.monotonic() - start


def main() -> int:
    """Run the matrix and print it."""
    print(
        f"{'fault':30}"
        + "".join(f"{style.replace('genai_', 'g_').replace('interactions', 'i'):>15}" for style in STYLES)
    )
    problems = []
    with ThreadPoolExecutor(4) as threads:
        for fault in FAULTS:
            cells = list(threads.map(partial(cell, fault), STYLES))
            problems += [
                f"{fault.name}, {style}: {each[0]}"
                for style, each in zip(STYLES, cells, strict=True)
                if each[0]
            ]
            shown = (f"{'WRONG' if problem else 'right'} {seconds:.2f}" for problem, seconds in cells)
            print(f"{fault.name:30.29}" + "".join(f"{each:>15}" for each in shown), flush=True)
    print(*problems, sep="\n")
    print(f"{len(FAULTS) * len(STYLES)} cells, {len(problems)} wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.faults`: every fault in every call style, as a table; exit code 1 if a cell is wrong."""

from __future__ import annotations

import sys
import time

from tests.faults.matrix import FAULTS, STYLES, problem_of, run_cell


def main() -> int:
    """Run the matrix and print it."""
    print(f"{'fault':38}" + "".join(f"{style:>16}" for style in STYLES))
    problems = []
    for fault in FAULTS:
        cells = []
        for style in STYLES:
            start = time.monotonic()
            problem = problem_of(fault, style, run_cell(fault, style))
            cells.append(f"{'WRONG' if problem else 'as it must'} {time.monotonic() - start:.2f}")
            problems += [f"{fault.name}, {style}: {problem}"] if problem else []
        print(f"{fault.name:38}" + "".join(f"{cell:>16}" for cell in cells), flush=True)
    print(*problems, sep="\n")
    print(f"{len(FAULTS) * len(STYLES)} cells, {len(problems)} wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.fuzz [--examples 2000] [target …]`: look for inputs that raise what is no `CodeExecError`.

The smallest input of each failure is printed; those that were mended are kept in `corpus`.
"""

from __future__ import annotations

import argparse
import time
import traceback

from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz import grounded, interactions, targets

TARGETS = {**targets.TARGETS, **grounded.TARGETS, **interactions.TARGETS}


def fuzz(name: str, examples: int) -> bool:
    """Fuzz one target, and say what came of it."""
    target = TARGETS[name]
    tried = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=True,
    )
    @given(target.inputs)
    def run(value: object) -> None:
        nonlocal tried
        tried += 1
        target.run(value)

    began = time.monotonic()
    try:
        run()
    except BaseException:  # noqa: BLE001 -- that is what is looked for
        traceback.print_exc()
        return False
    finally:
        print(f"{name:<10} {tried:>6} inputs {time.monotonic() - began:>7.1f} s", flush=True)
    return True


def main() -> None:
    """Fuzz the targets that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []])
    arguments = parser.parse_args()
    results = [fuzz(name, arguments.examples) for name in arguments.targets or TARGETS]
    raise SystemExit(not all(results))


if __name__ == "__main__":
    main()

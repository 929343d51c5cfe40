"""`python -m tests.benchmarks`: ratios against peers, measured in this run on this machine.

With the path of another tree of the package behind it, its emulator is measured beside this one's.
"""

from __future__ import annotations

import sys

from tests.benchmarks.emulator import METHODS, measure_emulator, measure_lives
from tests.benchmarks.imports import measure_imports
from tests.benchmarks.loopback import loopback_server
from tests.benchmarks.requests import measure_abatch, measure_invoke


def show(title: str, medians: dict[str, float], scale: float = 1e3, unit: str = "ms") -> None:
    """Print medians and their ratio to the first."""
    base = next(iter(medians.values()))
    print(f"\n{title}")
    for name, value in medians.items():
        print(f"  {name:<28}{value * scale:>10.2f} {unit}  {value / base:>6.2f} x")


def main(beside: str = "") -> None:
    """Run all benchmarks, about three minutes."""
    with loopback_server() as url:
        show("invoke, one question", measure_invoke(url, 0, rounds=15, repeat=20))
        show("invoke, 41 messages with code", measure_invoke(url, 20, rounds=15, repeat=8))
        for size, rounds in (200, 5), (1000, 2):
            show(f"abatch, {size} at 50 at a time", measure_abatch(url, size=size, rounds=rounds))
    for method in METHODS:
        seconds = measure_emulator(method, beside)
        show(
            f"{method}, one after the other", {name: 1 / one for name, one in seconds.items()}, 1, "a second"
        )
    show("a server started, asked once and stopped", measure_lives(beside))
    imports = measure_imports()
    show("import, time", {name: seconds for name, (seconds, _) in imports.items()})
    show("import, peak memory", {name: mib for name, (_, mib) in imports.items()}, 1, "MiB")


if __name__ == "__main__":
    main(*sys.argv[1:])

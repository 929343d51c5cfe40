"""`python -m tests.benchmarks`: ratios against peers, measured in this run on this machine."""

from __future__ import annotations

from tests.benchmarks.imports import measure_imports
from tests.benchmarks.loopback import loopback_server
from tests.benchmarks.requests import measure_abatch, measure_invoke


def show(title: str, medians: dict[str, float], scale: float = 1e3, unit: str = "ms") -> None:
    """Print medians and their ratio to the first."""
    base = next(iter(medians.values()))
    print(f"\n{title}")
    for name, value in medians.items():
        print(f"  {name:<28}{value * scale:>10.2f} {unit}  {value / base:>6.2f} x")


def main() -> None:
    """Run all benchmarks, about a minute."""
    with loopback_server() as url:
        show("invoke, one question", measure_invoke(url, 0, rounds=15, repeat=20))
        show("invoke, 41 messages with code", measure_invoke(url, 20, rounds=15, repeat=8))
        show("abatch, 200 at 50 at a time", measure_abatch(url))
    imports = measure_imports()
    show("import, time", {name: seconds for name, (seconds, _) in imports.items()})
    show("import, peak memory", {name: mib for name, (_, mib) in imports.items()}, 1, "MiB")


if __name__ == "__main__":
    main()

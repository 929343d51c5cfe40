"""`python -m tests.benchmarks.sandbox`: the sandbox against a cold subprocess, measured side by side.

Exits with 1 if a target is missed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_codeexec import ExecutionRequest
from langchain_codeexec.executors.calls import CallLimits, HostCall, HostFunction, HostReply
from langchain_codeexec.sandbox.local import LocalSandbox

try:
    from pydantic_monty import Monty
except ImportError:
    Monty = None

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_codeexec.sandbox.local import LocalSession

PRINT = "print(6 * 7)"
NUMPY = "import numpy as np\nprint(np.linalg.inv(np.eye(50) * 2).sum())"
PLOT = (
    "import pandas as pd\nimport matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\n"
    "pd.DataFrame({'a': [1, 3, 2]}).plot()\nplt.savefig('plot.png')\nplt.close()"
)
RUNS, CALLS = 1000, 900


def cold(code: str) -> None:
    """Run a program in a new interpreter."""
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd="/tmp")


def warm(sandbox: LocalSandbox, code: str) -> None:
    """Run a program in the sandbox."""
    result = sandbox.run(ExecutionRequest(code))
    if result.outcome != "OUTCOME_OK":
        raise RuntimeError(result.output)


def milliseconds(run: Callable[[], None], repeat: int) -> float:
    """The median of some runs, after one that does not count."""
    run()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


class Ticks:
    """A function that does nothing but note when it was called."""

    functions = (HostFunction("tick", "value: int"),)
    limits = CallLimits(calls=CALLS)

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, call: HostCall) -> HostReply:
        return HostReply(self.tick(call.args["value"]))

    def cancel(self, call: HostCall) -> None:
        """There is nothing to cancel."""

    def tick(self, value: int) -> int:
        self.times.append(time.perf_counter())
        return value

    def median(self) -> float:
        """Milliseconds from one call to the next."""
        return statistics.median(map(float.__sub__, self.times[1:], self.times)) * 1e3


CALLING = f"for n in range({CALLS}): tick(n)"


def call_in(session: LocalSession) -> float:
    """A call of the host in a session, in milliseconds."""
    ticks = Ticks()
    session.run(CALLING, calls=ticks)
    return ticks.median()


def call_in_monty() -> float:
    """A call of the host in pydantic-monty, which langchain-monty runs, in milliseconds."""
    ticks = Ticks()
    with Monty() as pool, pool.checkout() as session:
        session.feed_run(CALLING, external_lookup={"tick": ticks.tick})
    return ticks.median()


def per_second(run: Callable[[], None], seconds: float = 4.0) -> float:
    """How often two clients at a time get a run done."""
    end = time.perf_counter() + seconds

    def client() -> int:
        done = 0
        while time.perf_counter() < end:
            run()
            done += 1
        return done

    with ThreadPoolExecutor(2) as clients:
        return sum(future.result() for future in [clients.submit(client) for _ in range(2)]) / seconds


def crowded(sandbox: LocalSandbox) -> float:
    """Seconds that 200 runs take, asked for by 16 callers at a time."""
    start = time.perf_counter()
    with ThreadPoolExecutor(16) as callers:
        list(callers.map(lambda _: warm(sandbox, PRINT), range(200)))
    return time.perf_counter() - start


def crowded_before(checkout: str) -> float:
    """The same with the package of another checkout."""
    command = [sys.executable, "-m", "tests.benchmarks.sandbox", "--crowded"]
    env = {**os.environ, "PYTHONPATH": f"{checkout}:{Path(__file__).parents[2]}"}
    done = subprocess.run(command, capture_output=True, check=True, cwd=checkout, env=env, text=True)
    return float(done.stdout)


def children(pid: int) -> list[int]:
    """The processes that one has forked."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def descendants(pid: int) -> list[int]:
    """The processes below one."""
    return [found for child in children(pid) for found in (child, *descendants(child))]


def private_mib(sandbox: LocalSandbox, worker: int) -> float:
    """What a run with numpy takes of memory that it shares with nobody, its supervisor included."""
    thread = threading.Thread(target=warm, args=(sandbox, f"{NUMPY}\nimport time; time.sleep(1.5)"))
    thread.start()
    time.sleep(0.8)
    (zygote,) = children(worker)
    runs = [(supervisor, *children(supervisor)) for supervisor in children(zygote)] or [(zygote,)]
    largest = max(sum(map(private_kib, pids)) for pids in runs)
    thread.join()
    return largest / 1024


def private_kib(pid: int) -> int:
    """Memory that a process shares with nobody."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def left_behind() -> tuple[int, int, int, int]:
    """Processes, descriptors, mounts and files there are."""
    time.sleep(1.0)
    workers = children(os.getpid())
    processes = len(descendants(os.getpid()))
    descriptors = sum(len([*Path(f"/proc/{pid}/fd").iterdir()]) for pid in ("self", *workers))
    mounts = len(Path("/proc/self/mounts").read_text().splitlines())
    return processes, descriptors, mounts, len([*Path(tempfile.gettempdir()).rglob("*")])


def main() -> int:
    """Measure everything, about two minutes.

    Args, on the command line: `--crowded` measures only that, and prints seconds; a path is a checkout of an
    earlier release, with this file in it, to compare with.
    """
    if sys.argv[1:] == ["--crowded"]:
        with LocalSandbox() as sandbox:
            crowded(sandbox.start())
            print(min(crowded(sandbox) for _ in range(3)))
        return 0
    met = []

    def show(what: str, value: float, most: float) -> None:
        met.append(value <= most)
        print(f"  {what:<58}{value:>8.3f}   <= {most:<8.3f}{'ok' if met[-1] else 'MISSED'}")

    with tempfile.TemporaryDirectory() as tempfile.tempdir, LocalSandbox() as sandbox:
        start = time.perf_counter()
        sandbox.start()
        print(
            f"mode {sandbox.mode}, started in {time.perf_counter() - start:.2f} s; times a cold subprocess:"
        )
        worker = sandbox._pool.worker()._process.pid
        python = milliseconds(lambda: cold("print(1)"), 60)
        show("a warm print", milliseconds(lambda: warm(sandbox, "print(1)"), 60) / python, 1 / 2)
        with sandbox.session() as session:
            request = ExecutionRequest("print(1)")
            printing = milliseconds(lambda: session.run(request), 200)
            show("a session's print", printing / python, 1 / 5)
            calling = call_in(session)
            show(
                f"a call of the host ({calling:.3f} ms), times a session's print", calling / printing, 1 / 10
            )
            if Monty:
                monty = call_in_monty()
                print(f"  {'a call of the host, times pydantic-monty':<58}{calling / monty:>8.3f}")
        plot = milliseconds(lambda: warm(sandbox, PLOT), 15) / milliseconds(lambda: cold(PLOT), 5)
        show("pandas and plot", plot, 1 / 7)
        numpy = per_second(lambda: cold(NUMPY)) / per_second(lambda: warm(sandbox, NUMPY))
        show("numpy, two clients", numpy, 1 / 4)
        for checkout in sys.argv[1:]:
            show(f"200 runs, 16 callers, times {checkout}", crowded(sandbox) / crowded_before(checkout), 1.0)
        show("private memory of a run, MiB", private_mib(sandbox, worker), 10)
        before = left_behind()
        for _ in range(RUNS):
            warm(sandbox, PRINT)
        after = left_behind()
        growth = sum(max(0, b - a) for a, b in zip(before, after, strict=True))
        show(f"left behind by {RUNS} runs", growth, 0)
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())

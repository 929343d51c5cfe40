"""What importing costs, each time in a fresh interpreter (Linux: the peak is read from /proc)."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

IMPORTS = {
    "langchain-core chat model": "import langchain_core.language_models.chat_models",
    "the emulator, made": "from langchain_codeexec.emulator import GeminiEmulator; GeminiEmulator()",
    "langchain-codeexec": "from langchain_codeexec import ChatGeminiCodeExecution",
    "langchain-google-genai": "from langchain_google_genai import ChatGoogleGenerativeAI",
}
_PROBE = """
import time
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(seconds, peak.split()[1])
"""


def measure_imports(rounds: int = 7) -> dict[str, tuple[float, float]]:
    """Median seconds and peak resident MiB of each import, from byte code as an installation leaves it."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in IMPORTS}
    for turn in range(rounds + 1):
        for name, statement in IMPORTS.items():
            probe = subprocess.run(
                [sys.executable, "-W", "ignore", "-c", _PROBE.format(statement=statement)],
                capture_output=True,
                env=environment,
                text=True,
                check=False,
            )
            if probe.returncode == 0 and turn:
                seconds, kib = probe.stdout.split()
                samples[name].append((float(seconds), int(kib) / 1024))
    return {
        name: (statistics.median(s for s, _ in taken), statistics.median(m for _, m in taken))
        for name, taken in samples.items()
        if taken
    }

"""Cases that tell whether a server speaks Gemini's protocol, as data, and what runs them.

```
langchain-codeexec conformance http://127.0.0.1:8765 --key any
python -m tests.conformance --url http://127.0.0.1:8765 --key any    # needs no typer
```

The cases are in `cases.yaml`. They ask for structure, not for wording, so that a real model passes as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from tests.conformance.cases import Case, Turn, load_cases
    from tests.conformance.command import run_selection
    from tests.conformance.reports import Report, Verdict
    from tests.conformance.runner import Place, run_cases
    from tests.conformance.selection import Selection

__all__ = [
    "Case",
    "Place",
    "Report",
    "Selection",
    "Turn",
    "Verdict",
    "load_cases",
    "run_cases",
    "run_selection",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "cases": ["Case", "Turn", "load_cases"],
        "command": ["run_selection"],
        "reports": ["Report", "Verdict"],
        "runner": ["Place", "run_cases"],
        "selection": ["Selection"],
    },
)

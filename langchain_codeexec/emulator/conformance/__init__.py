"""Cases that tell whether a server speaks Gemini's protocol, as data, and what runs them.

```
python -m langchain_codeexec.emulator.conformance --url http://127.0.0.1:8765 --key any
```

The cases are in `cases.yaml`. They ask for structure, not for wording, so that a real model passes as well.
"""

from __future__ import annotations

from langchain_codeexec.emulator.conformance.cases import Case, Turn, load_cases
from langchain_codeexec.emulator.conformance.reports import Report, Verdict
from langchain_codeexec.emulator.conformance.runner import Place, run_cases

__all__ = ["Case", "Place", "Report", "Turn", "Verdict", "load_cases", "run_cases"]

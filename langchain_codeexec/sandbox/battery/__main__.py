"""`python -m langchain_codeexec.sandbox.battery MODE`: attack the sandbox in that mode, print a JSON object."""

from __future__ import annotations

import json
import sys

from langchain_codeexec.sandbox.battery.report import report_of_mode

if __name__ == "__main__":
    sys.stdout.write(json.dumps(report_of_mode(sys.argv[1])) + "\n")

"""`python -m tests.sandbox.attacks MODE`: attack the sandbox in that mode, print a JSON object."""

import json
import sys

from langchain_codeexec.sandbox.battery.report import report_of_mode
from tests.sandbox.attacks import ATTACKS

if __name__ == "__main__":
    sys.stdout.write(json.dumps(report_of_mode(sys.argv[1], ATTACKS)) + "\n")

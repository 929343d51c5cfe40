"""`python -m tests.sandbox.attacks MODE`: attack the sandbox in that mode, print a JSON object."""

import json
import sys

from langchain_codeexec.errors import SandboxUnavailableError
from langchain_codeexec.sandbox.local import LocalSandbox
from tests.sandbox.attacks import ATTACKS
from tests.sandbox.attacks.attack import LIMITS, breaches

if __name__ == "__main__":
    try:
        with LocalSandbox(mode=sys.argv[1], preload=(), workers=4, **LIMITS) as sandbox:
            report = {"missing": "", "breaches": breaches(sandbox.start().run, ATTACKS)}
    except SandboxUnavailableError as error:
        report = {"missing": str(error.reasons)}
    sys.stdout.write(json.dumps(report) + "\n")

"""Starts a sandbox: `python -I -B _zygote.py`, with a socket as the first descriptor. Never imported."""

from __future__ import annotations

import os
import sys

_PACKAGE = type(sys)("codeexec_child")  # our siblings, without our folder on the programs' sys.path
_PACKAGE.__path__ = [os.path.join(os.path.dirname(__file__), "child")]  # noqa: PTH118, PTH120 -- as few imports as can be
sys.modules["codeexec_child"] = _PACKAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from langchain_codeexec.sandbox.child.launch import main
else:
    from codeexec_child.launch import main

if __name__ == "__main__":
    sys.exit(main())

"""What a policy says of programs, those included that mean to pass it by."""

from __future__ import annotations

import pickle
from threading import Thread
from typing import Any

import pytest

from langchain_codeexec.control import ExecutionPolicy, ParsedProgram, PolicyDecision
from langchain_codeexec.errors import ConfigurationError
from langchain_codeexec.executions import ExecutionRequest

POLICY = ExecutionPolicy(
    names={"os": "ask", "os.path": "allow", "os.system": "deny", "subprocess": "deny", "refund": "ask", "input": "deny"},
    reads={"/": "deny", "..": "deny", "/usr/share": "allow"},
    writes={".": "ask", "/": "deny", "out": "allow"},
    network="deny",
)  # fmt: skip
CLOSED = ExecutionPolicy(
    default="deny", dynamic="deny", names={"builtins": "allow", "math": "allow", "open": "deny"}
)

ALLOWED = """
print(sum(range(10)))
from urllib.parse import quote; import asyncio; asyncio.run(f())
import math; print(math.sqrt(2))
import os.path; print(os.path.join("a", "b"))
from os import path as p; p.join("a")
import numpy as np; np.random.seed(1); np.linalg.norm([1])
class A:\\n    def __init__(self): super().__init__(); self.__class__.__name__
open("input_file_0.csv").read()
open("/usr/share/dict/words")
open("out/a.txt", "w")
import pandas as pd; pd.read_csv("a.csv").to_csv("b.csv")
getattr("a", "upper")()
x = [1]; x.remove(1); " ".join(x)
system = 3; print(system)
import numpy as np; print(np.trace([[1]]), np.random.rand())
import datetime, time, copy; datetime.datetime.now(); time.time(); copy.copy(1)
from sklearn import inspection, metrics\nimport matplotlib.pyplot as plt; plt.plot([1]); plt.show()
code = 3; inspect = print; profile = [code]; profile.remove(3)
import re; re.findall("\\d", "1")
def connect(socket): return socket\\nconnect(1)
"""
ASKED = """
import os
from os import getcwd
__import__("os").getcwd()
import importlib as i; i.import_module("os").getcwd()
getattr(__import__("os"), "getcwd")()
refund("7", 3)
f = refund; f("7")
map(refund, "78")
if 0: refund = None\\nrefund("7")
if 0: import math as refund\\nrefund("7")
eval("1")
e = eval; e("1")
if 0: import math as eval\\neval("1")
exec(b"")
compile("1", "", "eval")
getattr(x, "a" + "b")
g = getattr
__import__("o" + "s")
__import__(name="os")
__import__(*["os"])
from importlib import import_module as im; im(name)
().__class__.__base__.__subclasses__()
(lambda: 0).__globals__
getattr(f, "__glo" "bals__")
f"{().__class__.__mro__}"
match f:\\n    case object(__globals__=g): pass
globals()["a"]
vars(f)
__builtins__["eval"]
import builtins; builtins.eval("1")
from builtins import eval as e
import sys; sys.modules["o"]
import sys; s = sys
import pickle
from operator import attrgetter
import inspect
import random; random._os.sys.modules
from warnings import sys as s; s.modules
import _pickle
try: 1/0\\nexcept Exception as e: e.__traceback__.tb_frame.f_globals
(x for x in ()).gi_frame
print.__self__
import unittest.mock as m
import sympy as s; s.sympify(x)
from sympy import lambdify; import statsmodels.formula.api as f
def f(x: __import__("typing").get_type_hints): ...
open("a", "w")
open("a", "r+")
open("./a", mode="a")
open("a", mode)
open("a", **kw)
"""
DENIED = """
import os; os.system("x")
import os as o; o.system("x")
from os import system as s; s("x")
from os import system
from os import *
import os; f = os; f.system("x")
import os; [os][0].system("x")
import os\\ndef getattr(m, s): m.system("x")\\ngetattr(os, "getcwd")
import os; (lambda m: m.system)(os)
import os; getattr(os, "system")("x")
__import__("os").system("x")
import importlib; importlib.import_module("os").system("x")
@__import__("os").system\\ndef f(): ...
lambda x=__import__("os").system: x
f"{__import__('os').system('x')}"
import os\\nmatch "x":\\n    case os.system: pass
import os\\nmatch os:\\n    case object(system=s): s("x")
import os\\nwith os.system("x") as y: pass
import os\\n[x async for x in os.system("x")] if 0 else 0
import os; os.system = print
import random; random._os.system("x")
from random import _os as o; o.system("x")
import posix; posix.system("x")
import os.path as p; p.os.system("x")
class A:\\n    import os\\nA.os.system("x")
import pandas as pd; pd.read_csv("https://example.com/a.csv")
import linecache; linecache.getlines("/etc/passwd")
import os; getattr(*[os, "system"])("x")
import os; a, b = os, 1; a.system("x")
for os in [__import__("os")]: os.system("x")
import pandas as pd; pd.io.common.os.system("x")
import _socket
import _posixsubprocess
import io; io.open_code("/etc/passwd")
import numpy as np; np.savetxt("/etc/a", [1])
import logging; logging.handlers.SocketHandler("a", 1)
import os; (o := os).system("x")
import shutil; shutil.copy("/etc/passwd", "a")
from pathlib import Path; Path.home()
import os; os.remove("/etc/passwd")
open(b"/etc/passwd")
open(file="/etc/passwd")
import pathlib; pathlib.os.system("x")
import subprocess
def f():\\n    def g():\\n        import subprocess as s
try:\\n    pass\\nexcept __import__("subprocess").CalledProcessError: ...
class A(__import__("subprocess").Popen): ...
import socket
from urllib import request
import urllib.request as r
import urllib; print(urllib)
import requests.sessions
import numpy, httpx as n
input()
import builtins; builtins.input()
import builtins; print(builtins)
open("/etc/passwd")
open("//etc/passwd")
open("/usr/share/../../etc/passwd")
open("a/../../b")
open(name)
open(f"{x}")
o = open; o("a")
__builtins__.open; open(*a)
from io import open as o; o("/etc/passwd")
import pathlib; pathlib.Path("/etc/passwd").read_text()
from pathlib import Path; Path(name)
import pandas as pd; pd.read_csv("/etc/passwd")
import sqlite3; sqlite3.connect("/a.db")
open("/a", "w")
import \uff4fs; \uff4fs.system("x")
x = (
!pip install x
# coding: latin-1\\nprint(1)
\\n# -*- coding: utf-7 -*-\\nx = 1
# coding: none\\nx
print(1)\\0
x = "\\ud800"
return
print(
"""
CASES = [
    pytest.param(
        line.replace("\\n", "\n")
        .replace("\\0", "\0")
        .replace("\\uff4f", "\uff4f")
        .replace("\\ud800", "\ud800"),
        decision,
        id=line[:60],
    )
    for decision, lines in (("allow", ALLOWED), ("ask", ASKED), ("deny", DENIED))
    for line in lines.strip().splitlines()
    if line != "return"  # parsed, and refused when it is compiled
]


@pytest.mark.parametrize(("code", "decision"), CASES)
def test_programs(code: str, decision: str) -> None:
    said = POLICY.check(code)
    assert said.decision == decision, said
    assert bool(said.reason) == bool(said.rules) == (decision != "allow")


@pytest.mark.parametrize(
    ("code", "decision"),
    [
        ("import math\nx = [math.pi for i in range(3)]\nprint(x)", "allow"),
        ("import numpy", "deny"),
        ("from math import *", "allow"),
        ("refund()", "deny"),
        ("open('a')", "deny"),
        ("eval('1')", "deny"),
        ("import io; io.open('a')", "deny"),
        ("print(df)", "deny"),
    ],
)
def test_where_nothing_is_allowed_but_what_is_named(code: str, decision: str) -> None:
    assert CLOSED.check(code).decision == decision


@pytest.mark.parametrize(
    ("code", "decision"),
    [("print(df, f(1))", "allow"), ("o.getcwd()", "ask"), ("o.system('x')", "deny"), ("s('x')", "deny")],
)
def test_names_of_earlier_programs(code: str, decision: str) -> None:
    policy = ExecutionPolicy(default="deny", names={"builtins": "allow", "os": "ask", "os.system": "deny"})
    earlier = ["import os as o\ndf = 1", "def f(x): ...", "from os import system as s", "x = ("]
    assert policy.check(code, earlier).decision == decision
    assert policy.check(code).decision == "deny"


def _recursion(program: ParsedProgram) -> Any:
    return "ask" if "recursion" in program.code else None


@pytest.mark.parametrize(
    ("settings", "code", "reason"),
    [
        ({}, "x = 1", ""),
        ({"names": {"os": "deny"}}, "x = 1\nimport os\nos.x, os.y", "line 2: os (names['os']); line 3: os.x (names['os']); line 3: os.y (names['os'])"),
        ({"network": "ask", "names": {"http": "allow"}}, "import http.client\nimport ssl", "line 2: ssl (network)"),
        ({"network": "deny", "names": {"os": "ask"}}, "import os\nimport ssl", "line 2: ssl (network)"),
        ({}, "eval('1')", "line 1: eval (dynamic)"),
        ({"names": {"eval": "allow"}}, "eval('1')", ""),
        ({"names": {"builtins": "allow"}}, "eval('1')", "line 1: eval (dynamic)"),
        ({"dynamic": "allow"}, "eval('1')", ""),
        ({}, "x = (", "line 1: '(' was never closed (unparsed)"),
        ({"reads": {"/": "ask"}}, "f = open", "line 1: a file whose name is computed, which may be / (reads['/'])"),
        ({"default": "ask", "names": {"builtins": "allow"}}, "import a", "line 1: a (default)"),
        ({"default": "ask"}, "1", "line 1: builtins (default)"),
        ({"max_bytes": 2}, "x=1", "3 bytes, and 2 are the limit (max_bytes)"),
        ({"max_lines": 1, "too_large": "ask"}, "1\n2", "2 lines, and 1 are the limit (max_lines)"),
        ({"max_nodes": 1}, "1", "3 nodes, and 1 are the limit (max_nodes)"),
        ({"rules": [_recursion]}, "recursion = 1", "_recursion"),
        ({"names": {"f": "ask"}}, "f(1)\n" * 10 + "\n".join(f"f.a{n}" for n in range(10)), None),
    ],
)  # fmt: skip
def test_reasons(settings: dict[str, Any], code: str, reason: str | None) -> None:
    policy = ExecutionPolicy(**settings)
    said = policy.check(code)
    if reason is None:
        assert said.reason.endswith("; and 3 more")
    else:
        assert said.reason == reason
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert "deny" in repr(policy)


def test_other_languages_are_no_python() -> None:
    said = POLICY.check(ExecutionRequest("ls", language="bash"))
    assert (said.decision, said.reason) == ("deny", "it is bash, and not Python (unparsed)")


NESTED = {
    "parentheses": "(" * 500_000,
    "signs": "-" * 999_999 + "1",
    "not": "not " * 250_000 + "1",
    "attributes": "a" + ".b" * 400_000,
    "calls": "a" + ".b()" * 200_000,
    "sum": "1" + "+1" * 400_000,
    "lambda": "lambda:" * 140_000 + "1",
    "elif": "if a:pass\n" + "elif a:pass\n" * 80_000,
    "comparison": "1" + "<1" * 60_000,
    "assignments": "a=" * 60_000 + "1",
    "lines": "a.b\n" * 20_000,
    "some attributes": "import os;os" + ".system" * 900,
    "some calls": "a" + ".b()" * 900,
    "imports": "\n".join(f"import a{n} as b" for n in range(3_000)) + "\nb.c(b)",
    "digits": "9" * 100_000,
}


@pytest.mark.parametrize("code", NESTED.values(), ids=NESTED)
def test_what_is_huge_is_judged_in_a_thread(code: str) -> None:
    said: list[PolicyDecision] = []
    policy = ExecutionPolicy(max_bytes=2_000_000)
    thread = Thread(target=lambda: said.append(policy.check(code)))
    thread.start()
    thread.join()
    assert said
    assert ExecutionPolicy().check(code).decision in ("allow", "deny")


@pytest.mark.parametrize(
    "settings",
    [
        {"names": {"os": "no"}}, {"names": ["os"]}, {"default": True}, {"network": "maybe"}, {"max_bytes": None},
        {"max_lines": 0}, {"max_nodes": True}, {"too_large": "allow"}, {"rules": [lambda _: "perhaps"]},
        {"rules": lambda _: "ask"},
    ],
)  # fmt: skip
def test_what_is_no_policy(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"ask|mapping|number|functions"):
        ExecutionPolicy(**settings).check("x = 1")

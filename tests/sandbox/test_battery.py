"""Every attack gets what it wants in a plain subprocess, and nothing in the sandbox, as root and as a user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from langchain_codeexec.sandbox.battery import ATTACKS, KNOWN_GAPS, Attack, run_battery, try_plainly
from langchain_codeexec.sandbox.modes import MODES

if TYPE_CHECKING:
    from langchain_codeexec.sandbox.local import LocalSandbox

AS_USER = Path(__file__).with_name("as_user.py")
IS_ROOT = os.geteuid() == 0
WITH_CONTROL = [
    attack for attack in ATTACKS if attack.control == "anybody" or (attack.control == "root" and IS_ROOT)
]


@pytest.mark.parametrize("attack", WITH_CONTROL, ids=lambda attack: attack.name)
def test_succeeds_where_nothing_is_isolated(attack: Attack):
    finding = try_plainly(attack)

    assert not finding.held, finding.result


def test_is_held(confined: LocalSandbox):
    breaches = {finding.attack for finding in run_battery(confined) if not finding.held}

    assert breaches <= KNOWN_GAPS.get(confined.mode, set())


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else; the tests above ran as a user")
@pytest.mark.parametrize("mode", MODES)
def test_is_held_as_an_ordinary_user(mode: str):
    command = [sys.executable, "-m", "langchain_codeexec.sandbox.battery", mode]
    done = subprocess.run([sys.executable, AS_USER, *command], capture_output=True, check=False, text=True)

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    if report["missing"]:
        pytest.skip(f"{mode}: {report['missing']}")
    assert set(report["breaches"]) <= KNOWN_GAPS.get(mode, set())
    assert report["attacks"] == len(ATTACKS)

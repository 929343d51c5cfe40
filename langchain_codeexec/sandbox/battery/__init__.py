"""Programs that try to break out, to see for oneself whether the sandbox holds on one's own machine."""

from langchain_codeexec.sandbox.battery.attack import Attack
from langchain_codeexec.sandbox.battery.running import ATTACKS, KNOWN_GAPS, Finding, run_battery, try_plainly

__all__ = ["ATTACKS", "KNOWN_GAPS", "Attack", "Finding", "run_battery", "try_plainly"]

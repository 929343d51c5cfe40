"""All attacks: those that `doctor` runs, and those that need not be tried on every machine."""

from langchain_codeexec.sandbox import battery
from tests.sandbox.attacks.attack import Attack
from tests.sandbox.attacks.files import FILES, LEAKS
from tests.sandbox.attacks.kernel import KERNEL, NETWORK
from tests.sandbox.attacks.processes import PROCESSES
from tests.sandbox.attacks.resources import RESOURCES

__all__ = ["ATTACKS"]

BUILT_IN = [
    Attack(name, code, timeout=battery.TIMEOUTS.get(name, 10.0)) for name, code in battery.ATTACKS.items()
]
ATTACKS = (*BUILT_IN, *FILES, *NETWORK, *PROCESSES, *KERNEL, *RESOURCES, *LEAKS)

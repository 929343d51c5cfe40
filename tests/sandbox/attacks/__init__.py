"""All attacks: those of the package, and those that need not be tried on every machine."""

from langchain_codeexec.sandbox.battery.attacks import ATTACKS as BUILT_IN
from tests.sandbox.attacks.files import FILES, LEAKS
from tests.sandbox.attacks.kernel import KERNEL, NETWORK
from tests.sandbox.attacks.processes import PROCESSES
from tests.sandbox.attacks.resources import RESOURCES

__all__ = ["ATTACKS"]

ATTACKS = (*BUILT_IN, *FILES, *NETWORK, *PROCESSES, *KERNEL, *RESOURCES, *LEAKS)

"""`python in_container.py REFUSED COMMAND...`: run a command where the system refuses `namespaces` or `landlock`, or both.

Refused namespaces are as in Docker's default seccomp profile: no new ones, and no mounts.
"""

import errno
import os
import sys

from langchain_codeexec.sandbox.child import seccomp
from langchain_codeexec.sandbox.child.kernel import forbid_new_privileges

REFUSED = {"x86_64": [272, 165, 155, 308, 428, 161], "aarch64": [97, 40, 41, 268, 428, 51]}
CLONE = {"x86_64": 56, "aarch64": 220}
LANDLOCK, CLONE3 = 444, 435
NEW_USER = 0x10000000


def refuse(number: int, error: int) -> list:
    return [seccomp.jump_equal(number, 0, 1), seccomp.errno(error)]


def main() -> None:
    machine, refused = os.uname().machine, sys.argv[1].split(",")
    code = [seccomp.load(seccomp.NUMBER), *refuse(CLONE3, errno.ENOSYS)]
    if "landlock" in refused:
        code += refuse(LANDLOCK, errno.ENOSYS)
    if "namespaces" in refused:
        for number in REFUSED[machine]:
            code += refuse(number, errno.EPERM)
        code += [seccomp.jump_equal(CLONE[machine], 0, 4), seccomp.load(seccomp.ARGUMENTS)]
        code += [seccomp.mask(NEW_USER), seccomp.jump_equal(0, 1, 0), seccomp.errno(errno.EPERM)]
    forbid_new_privileges()
    seccomp.filter_syscalls(seccomp.assemble([*code, seccomp.ALLOW]))
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()

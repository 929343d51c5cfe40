"""`python in_container.py COMMAND...`: run a command as Docker's default seccomp profile lets it run.

No new namespaces and no mounts, that is. `in_bare_container.py` refuses Landlock as well.
"""

import errno
import os
import sys

from langchain_codeexec.sandbox.child import seccomp
from langchain_codeexec.sandbox.child.kernel import forbid_new_privileges

REFUSED = {"x86_64": [272, 165, 155, 308, 428, 161], "aarch64": [97, 40, 41, 268, 428, 51]}
CLONE = {"x86_64": 56, "aarch64": 220}
LANDLOCK = 444
NEW_USER = 0x10000000


def main(*, landlock: bool) -> None:
    machine = os.uname().machine
    code = [seccomp.load(seccomp.NUMBER)]
    for number in REFUSED[machine]:
        code += [seccomp.jump_equal(number, 0, 1), seccomp.errno(errno.EPERM)]
    if not landlock:
        code += [seccomp.jump_equal(LANDLOCK, 0, 1), seccomp.errno(errno.ENOSYS)]
    code += [seccomp.jump_equal(435, 0, 1), seccomp.errno(errno.ENOSYS)]
    code += [
        seccomp.jump_equal(CLONE[machine], 0, 4),
        seccomp.load(seccomp.ARGUMENTS),
        seccomp.mask(NEW_USER),
    ]
    code += [seccomp.jump_equal(0, 1, 0), seccomp.errno(errno.EPERM), seccomp.ALLOW]
    forbid_new_privileges()
    seccomp.filter_syscalls(code)
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main(landlock=True)

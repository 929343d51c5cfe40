"""What runs on the far side: in the child of `ProcessExecutor`, and within the sandbox.

The interpreter there may be another one, without this package. So nothing here imports anything but the
standard library and its siblings; the scripts beside this folder load it under the name `codeexec_child`.
"""

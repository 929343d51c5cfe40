"""Many questions: rows of a file asked side by side, each answered exactly once however often it is begun anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.batch.jobs import BatchJob, asubmit_batch, submit_batch
    from langchain_codeexec.batch.run import BatchReport, arun_batch, run_batch

__all__ = ["BatchJob", "BatchReport", "arun_batch", "asubmit_batch", "run_batch", "submit_batch"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "jobs": ["BatchJob", "asubmit_batch", "submit_batch"],
        "run": ["BatchReport", "arun_batch", "run_batch"],
    },
)

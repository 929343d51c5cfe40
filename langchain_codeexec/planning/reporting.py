"""The plan as a LangChain custom event."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from langchain_core.callbacks.manager import (
    adispatch_custom_event,
    ahandle_event,
    dispatch_custom_event,
    handle_event,
)

if TYPE_CHECKING:
    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun

    from langchain_codeexec.planning.plan import Plan

__all__ = ["PLAN_EVENT", "areport_plan", "report_plan"]

PLAN_EVENT: Final = "gemini_code_execution_plan"
"""Name of the event; its data is `Plan.to_dict()`."""


def report_plan(plan: Plan | None, run_manager: CallbackManagerForLLMRun | None) -> None:
    """Tell the handlers of a run what it got.

    langchain-core hands no run to a model that streams: the run that called the model is told then, if any.
    """
    if plan is None:
        return
    if run_manager is None:
        with suppress(RuntimeError):  # nobody called who could be told
            dispatch_custom_event(PLAN_EVENT, plan.to_dict())
    elif run_manager.handlers:
        handle_event(
            run_manager.handlers,
            "on_custom_event",
            "ignore_custom_event",
            PLAN_EVENT,
            plan.to_dict(),
            run_id=run_manager.run_id,
            tags=run_manager.tags,
            metadata=run_manager.metadata,
        )


async def areport_plan(plan: Plan | None, run_manager: AsyncCallbackManagerForLLMRun | None) -> None:
    """Tell the handlers of a run what it got; see `report_plan`."""
    if plan is None:
        return
    if run_manager is None:
        with suppress(RuntimeError):
            await adispatch_custom_event(PLAN_EVENT, plan.to_dict())
    elif run_manager.handlers:
        await ahandle_event(
            run_manager.handlers,
            "on_custom_event",
            "ignore_custom_event",
            PLAN_EVENT,
            plan.to_dict(),
            run_id=run_manager.run_id,
            tags=run_manager.tags,
            metadata=run_manager.metadata,
        )

"""Calls that are made once: their results outlive an interrupt of the graph, and the process.

When a graph stops for somebody's answer, the program that was running is killed, and run again afterwards. Each of
its calls is a LangGraph task, so that the graph's checkpointer keeps what came of it, and the second run gets that
instead. Tasks are known by their position alone. Hence a call is announced by a task of its own before it is made;
in a second run the calls are put into the order that was announced, and what was not announced is not made.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from dataclasses import replace
from functools import partial
from threading import Condition, Thread
from typing import Any, Final, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.runnables.config import RunnableConfig, ensure_config, patch_config, set_config_context

from langchain_codeexec.errors import CourseChangedError
from langchain_codeexec.tools.call_results import CallResult

__all__ = ["CallJournal", "settle"]

Json = dict[str, Any]
_Task: TypeAlias = Callable[[str], Any]
T = TypeVar("T")

_PATIENCE: Final = 5.0
"""Seconds that a call waits for one that was announced before it while no other call is under way."""
_END: Final = "end"

# What LangGraph hands to the nodes of a graph in `config["configurable"]`.
_CHECKPOINTER: Final = "__pregel_checkpointer"
_TASKS: Final = "__pregel_call"
_HIDDEN: Final = "langsmith:hidden"
_POSITION: Final = "__pregel_scratchpad"


class CallJournal:
    """The calls of the programs that one task of a graph runs.

    Args:
        position: LangGraph's count of the tasks that this one has started.
        loop: That of the graph; `None` where it runs in threads.
    """

    def __init__(self, position: object, loop: asyncio.AbstractEventLoop | None) -> None:
        self._position = position  # kept, so that nothing else is known by its address
        self._changed = Condition()
        self._next: str | None = None
        self._under_way = self._returned = 0
        self._loop = loop

    @classmethod
    def here(cls) -> CallJournal | None:
        """That of the task that runs; `None` outside of a graph, and of one without a checkpointer."""
        given = ensure_config().get("configurable") or {}
        position, tasks = given.get(_POSITION), given.get(_TASKS)
        if given.get(_CHECKPOINTER) is None or tasks is None or position is None:
            return None
        loop = getattr(tasks, "keywords", {}).get("loop")
        return _journals.setdefault(id(position), CallJournal(position, loop))

    def result(
        self,
        call: str,
        compute: Callable[[], CallResult],
        outcome: Future[CallResult],
        check_end: Callable[[], None],
    ) -> CallResult:
        """What came of a call, made now or before.

        Args:
            call: The call, written out.
            compute: Makes it, in this thread; what it raises is not kept if it stops the graph.
            outcome: Set from elsewhere, it is what came of the call, and nobody waits any longer.
            check_end: Raises something if the run has ended meanwhile.

        Raises:
            CourseChangedError: Another one was announced in its place.
        """
        started: Future[Context | None] = Future()
        tags = ensure_config().get("tags")

        def call_from_code(call: str) -> Json:
            started.set_result(_tagged(tags))
            return {"call": call, "result": outcome.result().to_dict()}

        async def acall_from_code(call: str) -> Json:
            started.set_result(_tagged(tags))
            result = await asyncio.wrap_future(outcome)
            return {"call": call, "result": result.to_dict()}

        with self._turn(call, check_end):
            kept = self._task(call_from_code, acall_from_code, _in_thread, call)
            kept.add_done_callback(lambda _: None if started.done() else started.set_result(None))
        try:
            if context := started.result():
                settle(outcome, partial(context.run, compute))
            return _checked(kept.result(), call)
        finally:
            with self._changed:
                self._close()

    def end(self, program: str) -> None:
        """Note that a program has ended.

        Raises:
            CourseChangedError: It made another call at this point before.
        """
        with self._turn(json.dumps([program, _END])):
            self._close()

    def _close(self) -> None:
        """Note that a call is no longer under way."""
        self._under_way, self._returned = self._under_way - 1, self._returned + 1

    @contextmanager
    def _turn(self, call: str, check_end: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Wait until it is a call's turn."""
        with self._changed:
            while (announced := self._next or self._announced(call)) != call:
                self._next, returned = announced, self._returned
                is_over = partial(self._is_over, announced)
                if not self._changed.wait_for(is_over, _PATIENCE):
                    self._check_patience(call, returned)
            check_end()
            self._under_way += 1
            try:
                yield
            finally:
                self._next = None
                self._changed.notify_all()

    def _is_over(self, announced: str) -> bool:
        return self._next != announced

    def _check_patience(self, call: str, returned: int) -> None:
        """Give up, unless a call that is under way or has returned may lead to the one that is waited for."""
        if not self._under_way and self._returned == returned:
            raise _course_changed(str(self._next), call)

    def _announced(self, call: str) -> str:
        """The call that is announced next: this one, if none was before."""
        announced: str = self._task(_call_announced, _acall_announced, _at_once, call).result()
        return announced

    def _task(
        self, function: _Task, afunction: _Task, start: Callable[[Callable[[], None]], None], call: str
    ) -> Future[Any]:
        """Run a function as a task of the graph, which nobody is shown, and that takes none of its places.

        Args:
            function: The function where the graph runs in threads; `start` starts it then.
            afunction: The same for an event loop.
            start: Runs something without arguments.
            call: Its argument.
        """
        from langgraph.func import task  # noqa: PLC0415 -- of the graph that runs

        made: Any = afunction if self._loop else function
        config = ensure_config()
        given = (config.get("configurable") or {}).get(_TASKS)
        if isinstance(given, partial):
            schedule = given.keywords.get("schedule_task")
            submit = _in_loop if self._loop else partial(_submit, start)
            others: Json = {"schedule_task": partial(_hidden, schedule, made)} if schedule else {}
            if "stream" in given.keywords:
                others["stream"] = False  # with it, LangGraph 1.1 loses the result
            given = partial(given, submit=lambda: submit, **others)
            config = patch_config(config, configurable={_TASKS: given})
        with set_config_context(config) as context:
            run_as_task: Any = task(name=function.__name__)(made)
            started: Future[Any] = context.run(run_as_task, call)
            return started


def settle(outcome: Future[T], compute: Callable[[], T]) -> None:
    """Set a future to what a function returns or raises, unless it has been set before."""
    with suppress(InvalidStateError):
        try:
            outcome.set_result(compute())
        except InvalidStateError:
            raise
        except BaseException as error:  # noqa: BLE001 -- of whoever waits
            outcome.set_exception(error)


_journals: WeakValueDictionary[int, CallJournal] = WeakValueDictionary()


def _hidden(schedule: Any, made: Any, parent: Any, position: int, call: Any = None) -> Any:
    """Schedule a task of a graph, and let nobody be shown that which runs `made`."""
    if call is not None and call.func is made:
        tags = [*(parent.config.get("tags") or ()), _HIDDEN]
        parent = replace(parent, config={**parent.config, "tags": tags})
    return schedule(parent, position, call)


def _call_announced(call: str) -> str:
    return call


async def _acall_announced(call: str) -> str:
    return call


def _at_once(work: Callable[[], None]) -> None:
    work()


def _in_thread(work: Callable[[], None]) -> None:
    """Those of the graph may all be running programs that wait for it."""
    Thread(target=work, name="codeexec-task", daemon=True).start()


def _submit(
    start: Callable[[Callable[[], None]], None], function: Callable[..., Any], *args: Any, **settings: Any
) -> Future[Any]:
    """Run a task where `start` runs something."""
    outcome: Future[Any] = Future()
    work = partial(copy_context().run, function, *args, **_arguments(settings))
    start(partial(settle, outcome, work))
    return outcome


def _in_loop(function: Callable[..., Any], *args: Any, **settings: Any) -> asyncio.Task[Any]:
    """Run a task without a place among those that a graph runs at once, which programs that wait may have."""
    return asyncio.get_running_loop().create_task(function(*args, **_arguments(settings)))


def _arguments(settings: Json) -> Json:
    """What is for the function, and not for whoever starts it."""
    return {name: value for name, value in settings.items() if not name.startswith("__")}


def _tagged(tags: list[str] | None) -> Context:
    """The context of a task, with the tags of the program that called: what it runs is shown."""
    config = ensure_config()
    callbacks: Any = config.get("callbacks")
    if isinstance(callbacks, BaseCallbackManager) and _HIDDEN not in (tags or ()):
        callbacks = callbacks.copy()
        callbacks.remove_tags([_HIDDEN])
    shown: RunnableConfig = {**config, "tags": tags or [], "callbacks": callbacks}
    with set_config_context(shown) as context:
        return context.run(copy_context)


def _checked(kept: Json, call: str) -> CallResult:
    """The result that was kept, if it is of this call."""
    if kept["call"] != call:
        raise _course_changed(kept["call"], call)
    return CallResult.from_dict(kept["result"])


def _course_changed(before: str, now: str) -> CourseChangedError:
    return CourseChangedError(
        f"the program was run before, until somebody had to answer, and took another course then: it has "
        f"{_shown(now)} now where it had {_shown(before)}. This was not done; write a program that does the same "
        "whenever it is run, without clock or chance"
    )


def _shown(call: str) -> str:
    _, *rest = json.loads(call)
    if rest == [_END]:
        return "its end"
    name, args = rest
    return f"{name}({', '.join(f'{key}={value!r:.200}' for key, value in args.items())})"

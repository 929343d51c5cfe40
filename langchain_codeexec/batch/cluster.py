"""Rows asked on a Ray cluster: actors with a model each, on whichever nodes have a CPU for them.

Actors and not Ray Data, which would compute a lost node's blocks anew, rows that were answered among them. A call
of an actor is one row, whose outcome the driver has as soon as there is one: what is lost is what is under way.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from importlib import import_module
from types import TracebackType
from typing import Any, Final, Self

from langchain_core.messages import BaseMessage

from langchain_codeexec.batch.answers import Model, ask, resolved
from langchain_codeexec.batch.rows import Json
from langchain_codeexec.errors import (
    BatchError,
    ConfigurationError,
    GeminiConnectionError,
    MissingDependencyError,
)

__all__ = ["RayWorkers"]

_ATTEMPTS: Final = 2
_CPUS: Final = 0.5
"""What a worker, which mostly waits, reserves; the rest is for others, Ray Data that reads the rows among them."""


class RayWorkers:
    """Actors that ask, one for each CPU of the cluster, up to the concurrency; a lost one is replaced.

    The model goes to each actor in a call, straight from the driver: arguments below 100 KB stay out of Ray's
    object store, its control store and its logs. An API key goes along, in clear text unless Ray is set up with
    TLS; a function that makes the model there, from the node's environment, sends none.

    Args:
        model: What is pickled for them: the model, or a function that makes it.
        address: As `ray.init` takes it; of no effect where Ray runs in this process already.
        concurrency: How many rows are asked at a time.
        on_repeat: Called for each row that is asked again because its worker was lost.

    Raises:
        ConfigurationError: The model cannot be pickled, or (when it is entered) there is no such cluster.
        MissingDependencyError: Ray is not installed.
    """

    def __init__(
        self, model: Model, address: str, *, concurrency: int, on_repeat: Callable[[], object]
    ) -> None:
        self._ray = _ray()
        self._pickled = _pickled(model)
        self._address, self._concurrency, self._on_repeat = address, concurrency, on_repeat
        self._is_started = False
        self._rows: dict[Any, int] = {}  # that are under way, by the actors that are ready
        self._actors: set[Any] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._failure: Exception | None = None

    async def __aenter__(self) -> Self:
        if not self._ray.is_initialized():
            try:
                self._ray.init(self._address, log_to_driver=False)
            except (OSError, RuntimeError, ValueError, self._ray.exceptions.RayError) as error:
                raise ConfigurationError(
                    f"no Ray cluster can be used at {self._address!r}: {error}"
                ) from error
            self._is_started = True
        cpus = int(self._ray.cluster_resources().get("CPU", 0))  # of which others may just be letting go
        for _ in range(max(1, min(cpus, self._concurrency))):
            self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        for actor in self._actors:
            self._ray.kill(actor)
        if self._is_started:
            self._ray.shutdown()

    async def ask(self, messages: list[BaseMessage]) -> Json:
        """Have a worker ask the model, and another one where that is lost meanwhile.

        Raises:
            BatchError: No worker is left, and none can be started.
            Exception: What the model raised.
            GeminiConnectionError: Both workers were lost.
        """
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._on_repeat()
            actor = await self._free_actor()
            self._rows[actor] += 1
            try:
                outcome: Json | Exception = await actor.ask.remote(messages)
            except (self._ray.exceptions.RayActorError, self._ray.exceptions.ObjectLostError) as error:
                self._replace(actor)
                self._failure = error
            else:
                if actor in self._rows:  # another row may have found it lost
                    self._rows[actor] -= 1
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome
        raise GeminiConnectionError(
            f"the Ray worker that asked was lost, and so was the next one: {self._failure}",
            remedy="see Ray's logs for what ended them; memory is the first suspect",
        )

    async def _free_actor(self) -> Any:
        """The one with the fewest rows, of those that are ready."""
        while not self._rows:
            if not self._starting:
                raise BatchError(
                    f"no Ray worker is left, and none can be started: {self._failure}",
                    remedy="install the same packages on all nodes; then begin the same batch again",
                )
            await asyncio.wait(self._starting, return_when=asyncio.FIRST_COMPLETED)
        return min(self._rows, key=self._rows.__getitem__)

    def _start(self) -> None:
        options = {
            "num_cpus": _CPUS,
            "max_concurrency": self._concurrency,
            "scheduling_strategy": "SPREAD",
        }
        actor = self._ray.remote(**options)(_Worker).remote()
        self._actors.add(actor)
        task = asyncio.create_task(self._started(actor))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _started(self, actor: Any) -> None:
        try:
            await actor.start.remote(self._pickled)
        except self._ray.exceptions.RayError as error:
            self._failure = getattr(error, "cause", None) or error
            self._actors.discard(actor)
        else:
            self._rows[actor] = 0

    def _replace(self, actor: Any) -> None:
        """Start another one, once for all rows that it loses."""
        if self._rows.pop(actor, None) is not None:
            self._actors.discard(actor)
            self._ray.kill(actor)  # it may only be out of reach
            self._start()


class _Worker:
    """What runs in an actor."""

    async def start(self, pickled: bytes) -> None:
        self._llm = resolved(pickle.loads(pickled))  # noqa: S301 -- the driver's, which may run what it likes here

    async def ask(self, messages: list[BaseMessage]) -> Json | Exception:
        try:
            return await ask(self._llm, messages)
        except Exception as error:  # noqa: BLE001 -- the driver raises it
            return _portable(error)


def _portable(error: Exception) -> Exception:
    """The error, or one of the same words where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 -- as above
    except Exception:  # noqa: BLE001 -- of whatever class its own code raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _ray() -> Any:
    try:
        return import_module("ray")
    except ImportError as error:
        raise MissingDependencyError("ray", "ray") from error


def _pickled(model: Model) -> bytes:
    """Functions of the driver's own script among it."""
    try:
        pickled: bytes = import_module("ray.cloudpickle").dumps(model)
    except Exception as error:
        raise ConfigurationError(
            f"the model cannot be sent to Ray's workers: {error}. Give the batch a function that makes it, and "
            "a rate limiter to the batch itself (`rate_limiter`)."
        ) from error
    return pickled

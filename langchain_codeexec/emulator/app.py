"""The service over HTTP: its routes, and the order in which a request is looked at."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from typing import Any, TypeAlias, Unpack

from langchain_codeexec.emulator.access import GuardedApp, check_origins
from langchain_codeexec.emulator.answering import Answer, Sessions
from langchain_codeexec.emulator.assertions import ReceivedRequest
from langchain_codeexec.emulator.batches import Batches
from langchain_codeexec.emulator.bodies import BODIES
from langchain_codeexec.emulator.brain import Brain, Prompt
from langchain_codeexec.emulator.caching import CachedContents, cache_routes
from langchain_codeexec.emulator.continuing import Bodies, Continuations, merged
from langchain_codeexec.emulator.coverage import not_covered
from langchain_codeexec.emulator.embeddings import embedded, is_embedding
from langchain_codeexec.emulator.fault_injection import ConnectionCut, FaultInjection
from langchain_codeexec.emulator.faults import FAULTS_HEADER, Faults
from langchain_codeexec.emulator.file_store import UploadedFiles
from langchain_codeexec.emulator.files_api import file_routes
from langchain_codeexec.emulator.interactions.requests import envelope, model_of
from langchain_codeexec.emulator.interactions.routes import InteractionRoutes
from langchain_codeexec.emulator.page.journal import EXCHANGE, Exchange, Journal, RecordedApp
from langchain_codeexec.emulator.page.routes import is_page, page_routes
from langchain_codeexec.emulator.parsing import parse_json
from langchain_codeexec.emulator.prediction_jobs import PredictionJobs
from langchain_codeexec.emulator.responses import (
    ARRAY,
    EVENTS,
    CutResponse,
    Stepper,
    all_bodies,
    damaged,
    error_response,
    first_body,
    json_response,
    read_body,
    stream_response,
    while_connected,
    with_headers,
)
from langchain_codeexec.emulator.rules import checked_request
from langchain_codeexec.emulator.sandboxes import Sandboxes
from langchain_codeexec.emulator.server import AppOptions, check_settings
from langchain_codeexec.emulator.service_errors import EmulatedError, not_prepared
from langchain_codeexec.emulator.targets import (
    Target,
    check_credentials,
    describe_model,
    is_known,
    list_models,
    model_not_found,
)
from langchain_codeexec.emulator.tokens import compute_tokens, count_tokens
from langchain_codeexec.errors import ConfigurationError, MissingDependencyError
from langchain_codeexec.executors.base import CodeExecutor
from langchain_codeexec.gemini.wire import EndpointKind, GenerateContentRequest, GenerateContentResponse

__all__ = ["create_app"]

try:
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
except ImportError as error:
    raise MissingDependencyError("starlette", "emulator") from error


_Reply: TypeAlias = Callable[[Request, Target, Any], Awaitable[Response]]

_WITH_BODY = ("POST", "PATCH", "DELETE")
_VERSION = re.compile(r"v1(?:(?:alpha|beta)\d*)?")
_FAMILIES: tuple[tuple[EndpointKind, str], ...] = (
    ("vertex", "/{version}/projects/{project}/locations/{location}/publishers/google/models"),
    ("vertex", "/{version}/publishers/google/models"),
    ("developer", "/{version}/models"),
)


def create_app(
    brain: Brain | None = None,
    executor: CodeExecutor | None = None,
    *,
    allow_remote: bool | Collection[str] = False,
    allow_origins: Collection[str] = (),
    **options: Unpack[AppOptions],
) -> Starlette:
    """Make the emulator an ASGI application, for a server of your own.

    It refuses requests under names that are not this machine's, and those of other sites' pages; at which address
    it listens is the server's concern.

    Args:
        brain: What decides the answers; by default the built-in scenes.
        executor: What runs the code; by default the local sandbox; see `allow_unsafe_code`.
        allow_remote: Other names by which clients may call it: those given, or any (`True`).
        allow_origins: Origins of other sites' pages that may call it all the same (CORS).
        **options: See `AppOptions`.

    Raises:
        ConfigurationError: A setting is none, or of another kind.
        MissingDependencyError: Starlette is not installed.
    """
    given = {"brain": brain, "executor": executor}
    check_settings(
        allow_remote=allow_remote,
        allow_origins=allow_origins,
        **options,
        **{name: value for name, value in given.items() if value is not None},
    )
    service = _Service(brain or _default_brain(), executor or _default_executor(options), options)
    routes = [
        Route(path, endpoint, methods=methods)
        for resources in (service.batches, service.prediction_jobs, service.sandboxes)
        for methods, path, endpoint in resources.routes(service.endpoint)
    ]
    routes += [
        Route(f"{prefix}{path}", service.endpoint(endpoint, answer, checks=checks), methods=[method])
        for endpoint, prefix in _FAMILIES
        for method, path, answer, checks in (
            ("POST", "/{model}:{action}", service.call, True),
            ("GET", "/{model}", service.describe, False),
            ("GET", "", service.enumerate, False),
        )
    ]
    routes += [
        Route(path, endpoint, methods=methods)
        for methods, path, endpoint in cache_routes(service.caches, service.endpoint, service.check_model)
    ]
    routes += [
        Route(path, endpoint, methods=[method])
        for method, path, endpoint in file_routes(
            service.files,
            partial(service.endpoint, "developer"),
            partial(service.endpoint, "developer", uploads=True),
        )
    ]
    interactions = InteractionRoutes(
        service.begin, service.answer, service.check_model, service.caches.complete, service.executor
    )
    routes += [
        Route(path, service.endpoint(endpoint, reply, steps=name), methods=[method])
        for endpoint, method, path, name, reply in interactions
    ]
    routes += page_routes(service.journal, service.faults)
    check_origins(allow_origins)
    guarded = Middleware(GuardedApp, allow_remote=allow_remote, allow_origins=allow_origins)
    recorded = Middleware(RecordedApp, journal=service.journal, is_page=is_page)
    return Starlette(
        routes=routes,
        middleware=[guarded, recorded],
        exception_handlers={HTTPException: service.no_route},
        lifespan=service.lifespan,
    )


def _default_brain() -> Brain:
    from langchain_codeexec.emulator.scenes import SceneBrain  # noqa: PLC0415 -- only where nothing else answers

    return SceneBrain()


def _default_executor(options: AppOptions) -> CodeExecutor:
    from langchain_codeexec.emulator.environment import default_executor  # noqa: PLC0415 -- only where none is given

    return default_executor(options.get("libraries", "gemini"), allow_unsafe=options.get("allow_unsafe_code"))


class _Service:
    """Answers requests; one for all of them."""

    def __init__(self, brain: Brain, executor: CodeExecutor, options: AppOptions) -> None:
        self._brain = brain
        self.executor = executor
        self._accept_key = options.get("accept_key", lambda key: key != "invalid")
        self._known_models = options.get("known_models", ())
        self._max_body_bytes = options.get("max_body_bytes", 20 * 1024 * 1024)
        self._send_empty_output = options.get("send_empty_output", False)
        self._log = options.get("log", deque(maxlen=0))
        self.faults = Faults.of(options.get("faults", ()))
        self.files = UploadedFiles()
        self.caches = CachedContents(inline=self.files.inlined)
        self.batches = Batches(self.files, self.answer_row, self.check_model)
        self.prediction_jobs = PredictionJobs(options.get("buckets"), self.answer_row, self.check_model)
        self.sandboxes = Sandboxes(executor)
        self._continuations = Continuations()
        self.journal = Journal()
        self.journal.is_open = options.get("record_page", False)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:  # noqa: ARG002 -- Starlette's signature
        """Between start and stop; what runs in the background ends with it."""
        yield
        self.sandboxes.close()
        for jobs in (self.batches, self.prediction_jobs):
            await jobs.close()

    def endpoint(
        self,
        kind: EndpointKind,
        reply: _Reply,
        *,
        uploads: bool = False,
        steps: str = "",
        checks: bool = False,
    ) -> Callable[[Request], Awaitable[Response]]:
        """Wrap a reply: credentials and faults before it, errors and the record after it.

        Args:
            kind: The service it is of.
            reply: Gets the body as JSON.
            uploads: Whether it reads the body itself, and goes on with uploads, whose URL is the credential.
            steps: Name of the method where it is one of the Interactions API, whose bodies name the model.
            checks: Whether it checks the request first, and then takes the faults itself, as those of steps do.
        """
        reply = reply if checks or steps else self._faulty(reply)

        async def answer(request: Request) -> Response:
            began = perf_counter()
            target = _target(kind, request)
            target = replace(target, action=steps) if steps else target
            exchange = _exchange(request)
            if exchange is not None:
                exchange.target = target
            body: Any = None
            try:
                raw = b"" if uploads else await read_body(request, self._max_body_bytes)
                if not _VERSION.fullmatch(target.version):
                    raise not_covered(request)
                if not (uploads and "upload_id" in request.query_params):
                    check_credentials(target, request.headers, request.query_params, self._accept_key)
                if uploads:
                    response = await reply(request, target, None)
                else:
                    body = parse_json(raw) if request.method in _WITH_BODY else None
                    if steps:
                        target = replace(target, model=model_of(body))
                    if exchange is not None:
                        exchange.target = target
                    response = await while_connected(request, reply(request, target, body))
            except EmulatedError as error:
                told = envelope(error) if steps else None
                response = error_response(error, told, as_array=_wants_array(request, target))
            except ConnectionCut:
                response = CutResponse()
            self._record(request, target, body, response.status_code)
            return with_headers(response, target, perf_counter() - began)

        return answer

    def _record(self, request: Request, target: Target | None, body: Any, status: int) -> None:
        exchange = _exchange(request)
        self._log.append(
            ReceivedRequest(
                path=request.url.path,
                endpoint=target.endpoint if target else None,
                model=target.model if target else "",
                method=(target.action if target else "") or request.method,
                body=body,
                status=status,
                received=exchange.received if exchange else datetime.now(UTC),
                number=exchange.number if exchange else 0,
            )
        )

    async def no_route(self, request: Request, error: Exception) -> Response:  # noqa: ARG002 -- Starlette's signature
        """Answer what no route takes; the wrong HTTP method is no route either."""
        response = error_response(not_covered(request))
        self._record(request, None, None, response.status_code)
        return response

    async def call(self, request: Request, target: Target, body: Any) -> Response:
        """Answer a POST: one of the methods of a model."""
        if target.action not in BODIES:
            result = await self._computed(request, target, body)
            return damaged(json_response(result), await self.begin(request, target))
        answer, injection, bodies = await self._begun(request, target, body)
        streams = target.action == "streamGenerateContent"
        first = await first_body(bodies, last=not streams)
        if streams:
            framing = EVENTS if _wants_events(request) else ARRAY
            return stream_response(all_bodies(first, bodies), framing, injection, bodies)
        tier = {"x-gemini-service-tier": answer.usage.tier} if target.endpoint == "developer" else None
        return damaged(json_response(first, tier), injection)

    async def answer_row(self, body: Any, target: Target) -> Mapping[str, Any]:
        """Answer a row of a batch job as if it had come by itself."""
        if is_embedding(target):
            return await self._embedded(body, target)
        try:
            _, _, bodies = await self._begun(None, target, body)
        except ConnectionCut:
            raise EmulatedError(503) from None
        return await first_body(bodies, last=True)

    async def _begun(
        self, request: Request | None, target: Target, body: Any
    ) -> tuple[Answer, FaultInjection, Stepper[GenerateContentResponse]]:
        """Check a request to generate content, and begin its answer."""
        self.check_model(target)
        checked = checked_request(body, target, self.caches.complete)
        rest = self._continuations.rest(checked)
        streams = target.action == "streamGenerateContent"
        injection = await self.begin(request, target, streams=streams)
        answer = self.answer(request, target, checked, injection, executor=self.executor)
        bodies = self._bodies(answer, rest, injection, streams=streams)
        return answer, injection, Stepper(bodies, answer.stop)

    async def _embedded(self, body: Any, target: Target) -> Mapping[str, Any]:
        embed = partial(embedded, body, target, self.files.inlined, self._known_models)
        return await asyncio.to_thread(embed)

    async def _computed(self, request: Request, target: Target, body: Any) -> Mapping[str, Any]:
        """What needs no brain: embeddings and counts."""
        if is_embedding(target):
            return await self._embedded(body, target)
        computes = target.action == "computeTokens" and target.endpoint == "vertex"
        if not computes and target.action != "countTokens":
            raise not_covered(request)
        self.check_model(target)
        checked = checked_request(body, target, self.caches.complete)
        if computes:
            return compute_tokens(checked)
        return count_tokens(checked, target, self.caches.tokens(checked))

    def answer(  # noqa: PLR0913 -- what an answer is made of
        self,
        request: Request | None,
        target: Target,
        checked: GenerateContentRequest,
        injection: FaultInjection,
        *,
        executor: Sessions,
        brain: Brain | None = None,
    ) -> Answer:
        """An answer, not begun yet, of a given brain or the emulator's own."""
        brain = injection.brain(brain or self._brain)
        prompt = Prompt(target.model, target.endpoint, checked, self.caches.tokens(checked))
        named = replace(target, stand_in=getattr(self._brain, "stand_in", ""))
        answer = Answer(brain, executor, prompt, named, send_empty_output=self._send_empty_output)
        if exchange := _exchange(request):
            exchange.answered_by(brain, prompt.notes, answer.runs)
        return answer

    async def begin(
        self,
        request: Request | None,
        target: Target,
        *,
        streams: bool = False,
        error_event: Callable[[EmulatedError], Mapping[str, Any]] | None = None,
    ) -> FaultInjection:
        """Take the faults that hit a request, or a row of a job, and carry out what comes before its answer."""
        header = "" if request is None else request.headers.get(FAULTS_HEADER, "")
        try:
            faults = self.faults.take(header, target.action or ("" if request is None else request.method))
        except ConfigurationError as error:
            raise not_prepared(f"The header {FAULTS_HEADER}: {error}") from error
        if exchange := _exchange(request):
            exchange.faults = faults
        injection = FaultInjection(faults, self.faults.wait, streams=streams, error_event=error_event)
        await injection.begin(target)
        return injection

    def _faulty(self, reply: _Reply) -> _Reply:
        """A reply before which faults are taken, so that a failed change has changed nothing."""

        async def answer(request: Request, target: Target, body: Any) -> Response:
            injection = await self.begin(request, target)
            return damaged(await reply(request, target, body), injection)

        return answer

    def _bodies(
        self,
        answer: Answer,
        rest: Sequence[GenerateContentResponse] | None,
        injection: FaultInjection,
        *,
        streams: bool,
    ) -> Bodies:
        """The bodies of an answer, or of one hop of it, which is made of chunks in any case."""
        in_hops = rest is not None or injection.splits
        action = "streamGenerateContent" if streams or in_hops else "generateContent"
        bodies = BODIES[action](answer) if rest is None else (body for body in rest)
        bodies = injection.hops(bodies, self._continuations, answer.fresh_usage)
        return self._continuations.noted(merged(bodies) if in_hops and not streams else bodies)

    async def describe(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002 -- a reply's signature
        """Answer a GET of one model."""
        self.check_model(target)
        return json_response(describe_model(target.model, target))

    async def enumerate(self, request: Request, target: Target, body: Any) -> Response:  # noqa: ARG002 -- a reply's signature
        """Answer a GET of all models, a page of them."""
        return json_response(list_models(target, request.query_params, self._known_models))

    def check_model(self, target: Target) -> None:
        """Refuse a model the service does not know."""
        if not is_known(target.model, self._known_models, target.action):
            raise model_not_found(target)


def _exchange(request: Request | None) -> Exchange | None:
    """The page's record of a request, where the page records."""
    exchange: Exchange | None = None if request is None else request.scope.get(EXCHANGE)
    return exchange


def _target(kind: EndpointKind, request: Request) -> Target:
    path = request.path_params
    parent = f"projects/{path['project']}/locations/{path['location']}/" if "project" in path else ""
    action = path.get("action") or request.url.path.rpartition("/")[2].partition(":")[2]
    return Target(kind, path["version"], path.get("model", ""), action, parent)


def _wants_events(request: Request) -> bool:
    return request.query_params.get("alt") == "sse"


def _wants_array(request: Request, target: Target) -> bool:
    return target.action == "streamGenerateContent" and not _wants_events(request)

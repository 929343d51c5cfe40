"""A shop's agent: a function that looks stock up, code that computes with it, and a model that wants both."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from google.oauth2.credentials import Credentials
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field

from langchain_codeexec import ChatGeminiCodeExecution, CodeExecutionMiddleware, code_executions
from langchain_codeexec.emulator import Prompt
from langchain_codeexec.planning import PlanRequest
from tests.services import NEW, OLD, Gemini

QUESTION = {"messages": [("user", "How many M8 bolts are in stock, and what is three times that number?")]}
CODE = {"executableCode": {"language": "PYTHON", "code": "print(3 * 1280)"}}

BOTH = (["codeExecution", "pieces_in_stock"], 200)
DELEGATE = (["code_execution", "pieces_in_stock"], 200)
ALONE = (["codeExecution"], 200)
REQUESTS = {NEW: [BOTH, BOTH], OLD: [DELEGATE, DELEGATE, ALONE, DELEGATE]}
"""What an agent asks by default that looks up and then computes."""


def pieces_in_stock(article: str, store: int | str = 1) -> int:
    """Count the pieces of an article in stock.

    Args:
        article: Name of the article.
        store: Number or name of the store.
    """
    return 1280


def in_turns(request: PlanRequest) -> str:
    """Functions for a question, code for what they returned."""
    return "functions" if request.messages[-1].type == "human" else "code_execution"


def in_turns_if_apart(request: PlanRequest) -> str:
    """Both where they go together."""
    return "both" if request.way == "native" else in_turns(request)


def declared(request: Any) -> list[str]:
    """What a request declares: names of functions, and the built-in tools."""
    names: list[str] = []
    for tool in request.get("tools") or []:
        names += [function["name"] for function in tool.get("functionDeclarations", ())]
        names += [kind for kind in tool if kind != "functionDeclarations"]
    return sorted(names)


def parts_of(request: Any, kind: str) -> list[Any]:
    """The parts of one kind in a request's conversation."""
    return [part[kind] for content in request["contents"] for part in content["parts"] if kind in part]


def replies_in(request: Any) -> set[str]:
    """Names of the functions that have replied since the last question."""
    names: set[str] = set()
    for content in request["contents"]:
        replies = {
            part["functionResponse"]["name"] for part in content["parts"] if "functionResponse" in part
        }
        names = names | replies if replies or content["role"] != "user" else set()
    return names


def shopkeeper(prompt: Prompt) -> Any:
    """Looks the stock up if it can, then computes if it can, by code or by a function that stands for it."""
    tools, replies = declared(prompt.request), replies_in(prompt.request)
    for name, args in (
        ("pieces_in_stock", {"article": "M8 bolt"}),
        ("python", {"code": "print(3 * 1280)"}),
        ("code_execution", {"task": "What is 3 * 1280?"}),
    ):
        if name in tools and name not in replies:
            return [{"functionCall": {"name": name, "args": args}}]
    if "codeExecution" in tools:
        return [CODE, "That makes 3840."]
    return "That makes 3840." if {"python", "code_execution"} & replies else "The stock is 1280."


def developer(url: str) -> dict[str, Any]:
    return {"vertexai": False, "api_key": "any", "base_url": url}


def vertex(url: str) -> dict[str, Any]:
    where = {"project": "p", "location": "us-central1"}
    return {"vertexai": True, **where, "credentials": Credentials("token"), "base_url": url}


def own(settings: dict[str, Any], model: str) -> Any:
    return ChatGeminiCodeExecution(model=model, max_retries=0, **settings)


def google_genai(settings: dict[str, Any], model: str) -> Any:
    from langchain_google_genai import ChatGoogleGenerativeAI

    return ChatGoogleGenerativeAI(model=model, max_retries=1, **settings)


def google_vertexai(settings: dict[str, Any], model: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ChatVertexAI is deprecated
        from langchain_google_vertexai import ChatVertexAI

        url = settings["base_url"]
        where = {name: settings[name] for name in ("project", "location", "credentials")}
        return ChatVertexAI(model=model, api_endpoint=url, api_transport="rest", max_retries=0, **where)


async def close(llm: Any) -> None:
    """Close what a model of any of the packages has open."""
    if isinstance(llm, ChatGeminiCodeExecution):
        await llm.aclose()
    elif type(llm).__name__ == "ChatGoogleGenerativeAI":
        llm.client.close()
        await llm.client.aio.aclose()
    else:
        llm.prediction_client.transport.close()


BUILT: list[Any] = []
"""The models that a test has built, to be closed at its end."""


def building(
    build: Callable[[dict[str, Any], str], Any], where: Callable[[str], Any]
) -> Callable[[Gemini, str], Any]:
    def built(gemini: Gemini, model: str) -> Any:
        BUILT.append(build(where(gemini.url), model))
        return BUILT[-1]

    return built


MODELS: dict[str, Callable[[Gemini, str], Any]] = {
    "own-developer": building(own, developer),
    "own-vertex": building(own, vertex),
    "genai-developer": building(google_genai, developer),
    "genai-vertex": building(google_genai, vertex),
    "vertexai": building(google_vertexai, vertex),
}
GOOGLE = {name: model for name, model in MODELS.items() if not name.startswith("own")}
any_model = pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)
googles_model = pytest.mark.parametrize("build", GOOGLE.values(), ids=GOOGLE)
either_generation = pytest.mark.parametrize("model", [OLD, NEW])
PAIRED = [
    *zip(MODELS, (NEW, OLD, OLD, NEW), strict=False),
    ("vertexai", OLD),
    ("vertexai", NEW),
]
"""Every package, endpoint and generation beside every other one."""
THREAD: Any = {"configurable": {"thread_id": "1"}}
# ChatVertexAI speaks gRPC alone where it is asked asynchronously, and the emulator speaks HTTP.
AWAITABLE = [name for name in MODELS if name != "vertexai"]


def agent_on(
    llm: Any,
    *others: Any,
    tools: Any = (pieces_in_stock,),
    saver: Any = None,
    answer: Any = None,
    **settings: Any,
) -> Any:
    """An agent with the middleware behind other ones; `answer` is the format of its answer."""
    middleware = [*others, CodeExecutionMiddleware(**settings)]
    return create_agent(llm, list(tools), middleware=middleware, checkpointer=saver, response_format=answer)


def choosing(choice: Any) -> Any:
    """A middleware that chooses a tool."""

    @wrap_model_call
    def middleware(request: Any, handler: Any) -> Any:
        return handler(request.override(tool_choice=choice))

    return middleware


class Scripted(BaseChatModel):
    """A chat model of no provider; says its lines, and remembers what it was told and offered."""

    lines: list[AIMessage]
    offered: list[list[str]] = Field(default_factory=list)
    heard: list[list[Any]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        names = [convert_to_openai_tool(tool)["function"]["name"] for tool in tools]
        return self.bind(offered=names, **kwargs)

    def _generate(self, messages: Any, *args: Any, offered: Any = (), **kwargs: Any) -> ChatResult:
        line = self.lines[len(self.offered)]
        self.offered.append(sorted(offered))
        self.heard.append(messages)
        return ChatResult(generations=[ChatGeneration(message=line)])


def requests_of(gemini: Gemini) -> list[tuple[list[str], int]]:
    """What was declared in each request, and how it was answered."""
    return [(declared(request.body), request.status) for request in gemini.requests]


def ways_of(state: dict[str, Any]) -> list[tuple[bool, list[str], str]]:
    return [
        (plan["code_execution"], plan["functions"], plan["way"]) for plan in state["code_execution_plans"]
    ]


def answers_of(state: dict[str, Any]) -> list[AIMessage]:
    return [message for message in state["messages"] if isinstance(message, AIMessage)]


def printed(state: dict[str, Any]) -> list[str | None]:
    return [run.output for message in state["messages"] for run in code_executions(message)]

"""Content blocks of every provider that tell of a run of code, and blocks that nobody should send."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from langchain_core.messages import AIMessage

PNG = "iVBORw0KGgo="


def answer(*blocks: Any, provider: str = "", **kwargs: Any) -> AIMessage:
    metadata = {"model_provider": provider} if provider else {}
    return AIMessage(content=list(blocks), response_metadata=metadata, **kwargs)


def v1_call(code: str = "print(1)", call_id: str = "c1", **args: Any) -> dict[str, Any]:
    args = {"code": code, **args}
    return {"type": "server_tool_call", "name": "code_interpreter", "id": call_id, "args": args}


def v1_result(
    output: Any = "1\n", call_id: str = "c1", status: str = "success", **extras: Any
) -> dict[str, Any]:
    result = {"type": "server_tool_result", "tool_call_id": call_id, "status": status, "output": output}
    return {**result, "extras": extras}


def openai_run(code: str = "print(1)", output: str = "1\n") -> list[Any]:
    image = {"type": "image", "url": f"data:image/png;base64,{PNG}"}
    outputs = [{"type": "logs", "logs": output}, image]
    return [
        {
            "type": "code_interpreter_call", "id": "ci_1", "code": code, "status": "completed", "outputs": outputs,
        },
    ]  # fmt: skip


def anthropic_run(
    tool: str = "code_execution", output: str = "1\n", call_id: str = "srvtoolu_1", **arguments: str
) -> list[Any]:
    content = {"type": f"{tool}_result", "stdout": output, "stderr": "", "return_code": 0}
    return [
        {"type": "server_tool_use", "id": call_id, "name": tool, "input": arguments},
        {"type": f"{tool}_tool_result", "tool_use_id": call_id, "content": content},
    ]


ODD_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    "text thinking reasoning thought refusal id call_id name args input arguments index signature extras source image_url "
    "url file_uri file_id base64 data mime_type media_type result output_format output outputs content value functionCall "
    "inlineData inline_data file_data executableCode executable_code codeExecutionResult code_execution_result code language "
    "outcome status tool_call_id tool_use_id stdout return_code error_code lines partial_json block_type".split()
)
_TYPES = st.sampled_from(
    "text thinking reasoning refusal tool_call tool_use function_call function_call_signature image file media image_url "
    "image_generation_call server_tool_call server_tool_call_chunk server_tool_use server_tool_result executable_code "
    "code_execution_result web_search_tool_result code_execution_tool_result bash_code_execution_tool_result "
    "code_interpreter_call non_standard".split()
)
_TOOLS = "code_interpreter code_execution bash_code_execution text_editor_code_execution".split()
ODD_BLOCKS = st.builds(
    lambda named, rest: {**rest, **named},
    st.fixed_dictionaries({}, optional={"type": _TYPES | ODD_JSON, "name": st.sampled_from([*_TOOLS, []])}),
    st.dictionaries(_KEYS, ODD_JSON | st.dictionaries(_KEYS, ODD_JSON, max_size=4), max_size=6),
)
"""Blocks of known types with known keys, and values of any kind in them."""

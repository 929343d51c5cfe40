"""Content blocks of messages, and what tests of records expect of them."""

from base64 import b64encode
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from langchain_codeexec.executions import (
    CodeExecution,
    FunctionCall,
    InlineFile,
    Outcome,
    artifact_from_executions,
)

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAYAAAC56t6BAAAAEElEQVR4nGNgYGD4z4AAAAUEAQAm9BMDAAAAAElFTkSuQmCC"
PIXEL_FACTS = "image/png, 2 x 3 pixels, 72 bytes"

ACTS = "document.title='acted'"
SVG = f"<svg xmlns='http://www.w3.org/2000/svg'><script>{ACTS}</script><image href='http://tracker.example/x'/></svg>"

CORPUS = (
    f"<script>{ACTS}</script>",
    f"</script><script>{ACTS}</script>",
    f"</style></pre></article></title><script>{ACTS}</script>",
    f"<img src=x onerror={ACTS}><svg onload={ACTS}><body onload={ACTS}>",
    f'" onload="{ACTS}" autofocus onfocus="{ACTS}" style="animation: x',
    f"<iframe srcdoc='<script>parent.{ACTS}</script>'></iframe><base href=http://tracker.example>",
    "<meta http-equiv=refresh content='0;url=http://tracker.example'><link rel=stylesheet href=http://tracker.example>",
    "![x](http://tracker.example/x.png) <http://tracker.example> [y](javascript:alert(1)) [z](data:text/html,x)",
    f"`<script>{ACTS}</script>` ````\n```html\n<script>{ACTS}</script>\n```\n<!-- ]]>",
    "\x1b[2J\x1b[31mred\x1b]0;title\x07 \x9b31m \x1bP+q\x1b\\",
    "\x1b]8;;http://tracker.example\x1b\\text\x1b]8;;\x1b\\ \x1b]52;c;ZXZpbA==\x07 \x1b]1337;File=:AAAA\x07",
    "if admin\u202e \u2066# check\u2069 \u200badm\u200din \u2060\ufeff\u00ad\U000e0041 \u2028\u2029",
    "\x00\x08\r\x0b\x0c\x7f\x85 a\r\nb \ud800\udfff",
    "[red]markup[/red] [link=http://tracker.example]x[/link] :smile: {{7*7}} ${7*7} %s",
)


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content}


def image(mime_type: str = "image/png", data: str = PIXEL) -> dict[str, Any]:
    return {"type": "image", "base64": data, "mime_type": mime_type}


def code(source: str, i: str = "c", language: str = "PYTHON") -> dict[str, Any]:
    args = {"code": source, "language": language}
    return {"type": "server_tool_call", "id": i, "name": "code_interpreter", "args": args}


def result(output: str, i: str = "c", outcome: str = "OUTCOME_OK") -> dict[str, Any]:
    return {"type": "server_tool_result", "tool_call_id": i, "output": output, "extras": {"outcome": outcome}}


def hostile(words: str) -> list[BaseMessage]:
    """The words in every place that is shown."""
    svg = InlineFile(SVG.encode(), "image/svg+xml", words)
    run = CodeExecution(
        words, words, Outcome.OK, words, (svg, InlineFile(b"<script>", f'text/html"{words}')), origin=words,
        tried=(words,), calls=(FunctionCall(words, {words: words}, words, line=1, id=words, remark=words),
                               FunctionCall(words, error=words)),
        review={"decision": words, "rules": [words, 7], "reason": words},
    )  # fmt: skip
    artifact = artifact_from_executions([run], answer=words, files=[InlineFile(b"x", words, words)])
    return [
        HumanMessage([text(words), image("image/svg+xml", b64encode(SVG.encode()).decode())], additional_kwargs={}),
        AIMessage(
            [
                {"type": "reasoning", "reasoning": words}, text(words), code(words), result(words),
                image(f'image/png" onerror="{words}'), code(words, "d", words), result(words, "d", words),
                {"type": "tool_call", "id": "t", "name": words, "args": {words: words}}, text(f"`{words}"),
            ],
            tool_calls=[{"name": words, "args": {"code": f"{words}\n"}, "id": "u"}],
            response_metadata={
                "plan": {"code_execution": True, "functions": [words], "way": words, "reason": words},
                "finish_message": words, "model_name": words, "limit": {"limit": words, "most": words},
                "outputs": [{"url": words, "sha256": "x"}, {"error": words}],
                "verification": {"verdict": words, "reason": words}, "environment_id": words,
            },
            usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        ),
        ToolMessage(words, tool_call_id="u", name=words, status="error", artifact=artifact),
        AIMessage(words, usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}),
    ]  # fmt: skip

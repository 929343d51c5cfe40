r"""An answer as it arrives: words in pieces, each piece of code and each result in one.

`python examples/streaming.py` lets a stand-in answer on this machine, which is no language model; the
code really runs. With `--live` Gemini answers, reached as the environment says. The former prints:

    text    'I will compute the s'
    text    'ample standard devia'
    text    'tion of the 4 number'
    text    's.\n\n'
    code    'import statistics\n\nnumbers = [3, 5, 8, 13]\nstdev = statistics.stdev(numbers)\nprint(f"{stdev = }")\n'
    result  success: 'stdev = 4.349329450233296\n'
    text    'For the numbers 3, 5'
    text    ', 8, 13: the sample '
    text    'standard deviation i'
    text    's 4.349329450233296.'
    text    '\n'
    text    ''
    blocks: ['text', 'server_tool_call', 'server_tool_result', 'text']
    tokens: 20 in, 94 out
"""

from __future__ import annotations

import argparse
from typing import Any

from langchain_codeexec import ChatGeminiCodeExecution
from langchain_codeexec.emulator import GeminiEmulator

MODEL = "gemini-3-flash-preview"
QUESTION = "What is the standard deviation of 3, 5, 8 and 13?"


def follow(llm: ChatGeminiCodeExecution) -> None:
    """Print an answer chunk by chunk, and what the chunks add up to."""
    answer: Any = None
    for chunk in llm.stream(QUESTION):
        answer = chunk if answer is None else answer + chunk
        for block in chunk.content_blocks:
            show(block)
    used = answer.usage_metadata
    print(f"blocks: {[block['type'] for block in answer.content_blocks]}")
    print(f"tokens: {used['input_tokens']} in, {used['output_tokens']} out")


def show(block: Any) -> None:
    """Print one block of a chunk on a line of its own."""
    match block:
        case {"type": "text", "text": text}:
            print(f"text    {text!r}")
        case {"type": "server_tool_call", "args": {"code": code}}:
            print(f"code    {code!r}")
        case {"type": "server_tool_result", "status": status, "output": output}:
            print(f"result  {status}: {output!r}")


def main() -> None:
    """Ask the model that the command line names."""
    parser = argparse.ArgumentParser(description="An answer with code execution, streamed.")
    parser.add_argument("--live", action="store_true", help="ask the real service")
    if parser.parse_args().live:
        follow(ChatGeminiCodeExecution(model=MODEL))
        return
    with GeminiEmulator() as emulator:
        follow(ChatGeminiCodeExecution(model=MODEL, vertexai=False, api_key="any", base_url=emulator.url))


if __name__ == "__main__":
    main()

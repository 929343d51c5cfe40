"""A local server that speaks Gemini's generateContent and Interactions and really runs the code it writes.

```python
with GeminiEmulator(ScriptedBrain(["Hello."])) as emulator:
    client = genai.Client(api_key="any", http_options={"base_url": emulator.url})
```

What answers is a brain: by default `SceneBrain`, which answers exact questions and a few exact forms and says
what it is to all others; instead of it `ScriptedBrain` (steps, a function, YAML) or `LangChainBrain` (any
LangChain chat model). `faults` make it go wrong on demand, `RecordingProxy` and `CassettePlayer` record traffic
with the real service and replay it, `emulator.requests` and `emulator.assert_requested` show what a client sent,
and a browser shows it all at `emulator.page_url`. As a pytest plugin it is the fixtures `gemini_emulator` and
`gemini_code_model`.

Code runs in the local sandbox, finds the libraries of Gemini's environment and no others, and may be mended five
times. Where the system allows no sandbox it is refused, unless `allow_unsafe_code` says otherwise. Cached contents
and uploaded files live as long as the emulator; a file that a request names reaches the code like one within it.
Interactions are answered by the same brains: stored and followed, streamed, in the background, in environments
that last. Bash runs where the executor lets Python start processes, which the local sandbox does not.
Batch jobs of both services are answered in the background, row by row, from files of the Files API or of a folder
that stands for Cloud Storage; sandboxes of Agent Engine run programs and keep their state. All of them end with
the emulator, which has forgotten them when it starts again.
Embeddings come from hashed words, in which like texts are near: enough to test retrieval, and no language model.

It does not cover: tokenizing (counts are estimates), safety filters, grounding and search (such tools are accepted
and do nothing), sampling settings (log probabilities are stand-ins), several candidates, holding an answer to a
schema, tuning, file search stores, agents, webhooks and the Live API. Requests for what it does not cover
get a 404 that says so and what it covers. Where wordings of errors are not attested, the modules `service_errors`,
`rules` and `interactions` say so.

Starlette and uvicorn (extra `emulator`) are imported when a server is made, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.emulator.app import create_app
    from langchain_codeexec.emulator.assertions import ReceivedRequest
    from langchain_codeexec.emulator.brain import Brain, Prompt, When
    from langchain_codeexec.emulator.faults import Fault, Faults
    from langchain_codeexec.emulator.langchain_brain import LangChainBrain
    from langchain_codeexec.emulator.recording import RecordingProxy
    from langchain_codeexec.emulator.replaying import CassettePlayer, open_cassette
    from langchain_codeexec.emulator.scenes import SceneBrain
    from langchain_codeexec.emulator.scripted import ScriptedBrain
    from langchain_codeexec.emulator.server import AppOptions, GeminiEmulator
    from langchain_codeexec.emulator.service_errors import EmulatedError

__all__ = [
    "AppOptions",
    "Brain",
    "CassettePlayer",
    "EmulatedError",
    "Fault",
    "Faults",
    "GeminiEmulator",
    "LangChainBrain",
    "Prompt",
    "ReceivedRequest",
    "RecordingProxy",
    "SceneBrain",
    "ScriptedBrain",
    "When",
    "create_app",
    "open_cassette",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "app": ["create_app"],
        "assertions": ["ReceivedRequest"],
        "brain": ["Brain", "Prompt", "When"],
        "faults": ["Fault", "Faults"],
        "langchain_brain": ["LangChainBrain"],
        "recording": ["RecordingProxy"],
        "replaying": ["CassettePlayer", "open_cassette"],
        "scenes": ["SceneBrain"],
        "scripted": ["ScriptedBrain"],
        "server": ["AppOptions", "GeminiEmulator"],
        "service_errors": ["EmulatedError"],
    },
)

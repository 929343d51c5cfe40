"""A local server that speaks Gemini's generateContent protocol and really runs the code it writes.

```python
with GeminiEmulator(ScriptedBrain(["Hello."])) as emulator:
    client = genai.Client(api_key="any", http_options={"base_url": emulator.url})
```

What answers is a brain: `ScriptedBrain` (steps, a function, YAML), `LangChainBrain` (any LangChain chat model) or,
by default, rules. `faults` make it go wrong on demand, `RecordingProxy` and `CassettePlayer` keep traffic with the
real service and play it again, `emulator.asked` and `assert_asked` tell what a client sent. As a pytest plugin it
is the fixtures `gemini_emulator` and `gemini_code_model`;

Code runs in the local sandbox, finds the libraries of Gemini's environment and no others, and may be mended five
times. Where the system allows no sandbox it is refused, unless `allow_unsafe_code` says otherwise. Cached contents
live as long as the emulator.

It does not cover: tokenizing (counts are estimates), safety filters, grounding and search (such tools are accepted
and do nothing), sampling settings and log probabilities, several candidates, holding an answer to a schema, the
Files API, batches, embeddings, tuning and the Live API. Where wordings of errors are not attested,
`service_errors` and `setting_rules` say so.

Starlette and uvicorn (extra `emulator`) are imported when a server is made, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_codeexec._lazy import lazy_exports

if TYPE_CHECKING:
    from langchain_codeexec.emulator.app import AppOptions, ServerOptions, create_app
    from langchain_codeexec.emulator.assertions import AskedRequest, RecordedRequest
    from langchain_codeexec.emulator.brain import Brain, Prompt
    from langchain_codeexec.emulator.conditions import When
    from langchain_codeexec.emulator.faults import Fault, Faults
    from langchain_codeexec.emulator.langchain_brain import LangChainBrain
    from langchain_codeexec.emulator.recording import CassettePlayer, RecordingProxy, open_cassette
    from langchain_codeexec.emulator.scripted import ScriptedBrain
    from langchain_codeexec.emulator.server import GeminiEmulator, serve
    from langchain_codeexec.emulator.service_errors import EmulatedError

__all__ = [
    "AppOptions",
    "AskedRequest",
    "Brain",
    "CassettePlayer",
    "EmulatedError",
    "Fault",
    "Faults",
    "GeminiEmulator",
    "LangChainBrain",
    "Prompt",
    "RecordedRequest",
    "RecordingProxy",
    "ScriptedBrain",
    "ServerOptions",
    "When",
    "create_app",
    "open_cassette",
    "serve",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "app": ["AppOptions", "ServerOptions", "create_app"],
        "assertions": ["AskedRequest", "RecordedRequest"],
        "brain": ["Brain", "Prompt"],
        "conditions": ["When"],
        "faults": ["Fault", "Faults"],
        "langchain_brain": ["LangChainBrain"],
        "recording": ["CassettePlayer", "RecordingProxy", "open_cassette"],
        "scripted": ["ScriptedBrain"],
        "server": ["GeminiEmulator", "serve"],
        "service_errors": ["EmulatedError"],
    },
)

"""Which fields a request may have, as tables.

A field's type is written as `string`, `bool`, `int32`, `double`, `bytes`, `struct` (a free-form object),
`value` (any JSON), the name of an enum or of a message, `[X]` for a list and `{X}` for a map. Source: the
public REST references of the Gemini API and of Vertex AI. Settings the emulator does not look into are
free-form here.
"""

from __future__ import annotations

from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langchain_codeexec.emulator.targets import Target
    from langchain_codeexec.gemini.wire import EndpointKind

__all__ = ["ENUMS", "MESSAGES", "PART_DATA", "field_table", "snake_case"]

PART_DATA = frozenset(
    {
        "text",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
    }
)
"""The members of a part's oneof `data`."""

_PROMPT = {
    "contents": "[Content]",
    "systemInstruction": "Content",
    "tools": "[Tool]",
    "generationConfig": "GenerationConfig",
    "model": "string",
}

MESSAGES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "GenerateContentRequest": {
            **_PROMPT,
            "toolConfig": "ToolConfig",
            "safetySettings": "[SafetySetting]",
            "cachedContent": "string",
            "labels": "{string}",
            "modelArmorConfig": "struct",
            "serviceTier": "string",
            "store": "bool",
        },
        "CountTokensRequest": {
            **_PROMPT,
            "generateContentRequest": "GenerateContentRequest",
            "instances": "[value]",
        },
        "CachedContent": {
            "model": "string",
            "contents": "[Content]",
            "systemInstruction": "Content",
            "tools": "[Tool]",
            "toolConfig": "ToolConfig",
            "name": "string",
            "displayName": "string",
            "ttl": "string",
            "expireTime": "string",
            "createTime": "string",
            "updateTime": "string",
            "usageMetadata": "struct",
            "encryptionSpec": "struct",
        },
        "Content": {"role": "string", "parts": "[Part]"},
        "Part": {
            "text": "string",
            "inlineData": "Blob",
            "fileData": "FileData",
            "functionCall": "FunctionCall",
            "functionResponse": "FunctionResponse",
            "executableCode": "ExecutableCode",
            "codeExecutionResult": "CodeExecutionResult",
            "toolCall": "ToolCall",
            "toolResponse": "ToolResponse",
            "thought": "bool",
            "thoughtSignature": "bytes",
            "videoMetadata": "struct",
            "mediaResolution": "struct",
            "partMetadata": "struct",
        },
        "Blob": {"mimeType": "string", "data": "bytes", "displayName": "string"},
        "FileData": {"mimeType": "string", "fileUri": "string", "displayName": "string"},
        "FunctionCall": {
            "id": "string",
            "name": "string",
            "args": "struct",
            "partialArgs": "[struct]",
            "willContinue": "bool",
        },
        "FunctionResponse": {
            "id": "string",
            "name": "string",
            "response": "struct",
            "parts": "[FunctionResponsePart]",
            "willContinue": "bool",
            "scheduling": "string",
        },
        "FunctionResponsePart": {"inlineData": "Blob", "fileData": "FileData"},
        "ExecutableCode": {"id": "string", "language": "Language", "code": "string"},
        "CodeExecutionResult": {"id": "string", "outcome": "Outcome", "output": "string"},
        "ToolCall": {"id": "string", "toolType": "string", "args": "struct"},
        "ToolResponse": {"id": "string", "toolType": "string", "response": "struct"},
        "Tool": {
            "functionDeclarations": "[FunctionDeclaration]",
            "codeExecution": "CodeExecution",
            "googleSearch": "struct",
            "googleSearchRetrieval": "struct",
            "urlContext": "struct",
            "googleMaps": "struct",
            "fileSearch": "struct",
            "computerUse": "struct",
            "retrieval": "struct",
            "enterpriseWebSearch": "struct",
            "parallelAiSearch": "struct",
            "exaAiSearch": "struct",
            "mcpServers": "[struct]",
        },
        "CodeExecution": {},
        "FunctionDeclaration": {
            "name": "string",
            "description": "string",
            "parameters": "Schema",
            "parametersJsonSchema": "value",
            "response": "Schema",
            "responseJsonSchema": "value",
            "behavior": "string",
        },
        "Schema": {
            "type": "Type",
            "format": "string",
            "title": "string",
            "description": "string",
            "nullable": "bool",
            "default": "value",
            "example": "value",
            "enum": "[string]",
            "items": "Schema",
            "minItems": "int32",
            "maxItems": "int32",
            "properties": "{Schema}",
            "required": "[string]",
            "minProperties": "int32",
            "maxProperties": "int32",
            "propertyOrdering": "[string]",
            "anyOf": "[Schema]",
            "minimum": "double",
            "maximum": "double",
            "minLength": "int32",
            "maxLength": "int32",
            "pattern": "string",
            "additionalProperties": "value",
            "ref": "string",
            "defs": "{Schema}",
        },
        "ToolConfig": {
            "functionCallingConfig": "FunctionCallingConfig",
            "retrievalConfig": "struct",
            "includeServerSideToolInvocations": "bool",
        },
        "FunctionCallingConfig": {
            "mode": "Mode",
            "allowedFunctionNames": "[string]",
            "streamFunctionCallArguments": "bool",
        },
        "SafetySetting": {"category": "HarmCategory", "threshold": "HarmBlockThreshold", "method": "string"},
        "GenerationConfig": {
            "stopSequences": "[string]",
            "responseMimeType": "string",
            "responseSchema": "Schema",
            "responseJsonSchema": "value",
            "responseFormat": "value",
            "responseModalities": "[string]",
            "candidateCount": "int32",
            "maxOutputTokens": "int32",
            "temperature": "double",
            "topP": "double",
            "topK": "double",
            "seed": "int32",
            "presencePenalty": "double",
            "frequencyPenalty": "double",
            "responseLogprobs": "bool",
            "logprobs": "int32",
            "audioTimestamp": "bool",
            "enableEnhancedCivicAnswers": "bool",
            "enableAffectiveDialog": "bool",
            "thinkingConfig": "ThinkingConfig",
            "mediaResolution": "string",
            "speechConfig": "struct",
            "imageConfig": "struct",
            "routingConfig": "struct",
            "modelConfig": "struct",
            "translationConfig": "struct",
            "audioTranscriptionConfig": "struct",
        },
        "ThinkingConfig": {"includeThoughts": "bool", "thinkingBudget": "int32", "thinkingLevel": "string"},
    }
)


def _enum(prefix: str, names: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in names.split())


ENUMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Language": _enum("", "LANGUAGE_UNSPECIFIED PYTHON"),
        "Outcome": _enum("OUTCOME_", "UNSPECIFIED OK FAILED DEADLINE_EXCEEDED"),
        "Mode": _enum("", "MODE_UNSPECIFIED AUTO ANY NONE VALIDATED"),
        "Type": _enum("", "TYPE_UNSPECIFIED STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL"),
        "HarmCategory": _enum(
            "HARM_CATEGORY_",
            "UNSPECIFIED HATE_SPEECH DANGEROUS_CONTENT HARASSMENT SEXUALLY_EXPLICIT CIVIC_INTEGRITY "
            "JAILBREAK IMAGE_HATE IMAGE_DANGEROUS_CONTENT IMAGE_HARASSMENT IMAGE_SEXUALLY_EXPLICIT "
            "DEROGATORY TOXICITY VIOLENCE SEXUAL MEDICAL DANGEROUS",
        ),
        "HarmBlockThreshold": _enum(
            "",
            "HARM_BLOCK_THRESHOLD_UNSPECIFIED BLOCK_LOW_AND_ABOVE BLOCK_MEDIUM_AND_ABOVE BLOCK_ONLY_HIGH "
            "BLOCK_NONE OFF",
        ),
    }
)
"""Values by enum, in the order of their numbers on Vertex, whose gRPC-made clients send these; names are matched
in any case, as the service does."""


def _only(endpoint: EndpointKind) -> Callable[[Target], bool]:
    return lambda target: target.endpoint == endpoint


def _knows_call_ids(target: Target) -> bool:
    """Vertex has answered function call ids of Gemini 2 with an unknown name."""
    return target.endpoint == "developer" or target.signs


_RESTRICTED: Mapping[tuple[str, str], Callable[[Target], bool]] = MappingProxyType(
    {
        ("FunctionCall", "id"): _knows_call_ids,
        ("FunctionResponse", "id"): _knows_call_ids,
        ("ToolConfig", "includeServerSideToolInvocations"): _only("developer"),
        ("Part", "toolCall"): _only("developer"),
        ("Part", "toolResponse"): _only("developer"),
        ("Part", "partMetadata"): _only("developer"),
        ("Tool", "fileSearch"): _only("developer"),
        ("GenerateContentRequest", "store"): _only("developer"),
        ("GenerationConfig", "enableEnhancedCivicAnswers"): _only("developer"),
        ("CountTokensRequest", "generateContentRequest"): _only("developer"),
        ("CountTokensRequest", "systemInstruction"): _only("vertex"),
        ("CountTokensRequest", "tools"): _only("vertex"),
        ("CountTokensRequest", "generationConfig"): _only("vertex"),
        ("CountTokensRequest", "instances"): _only("vertex"),
        ("FunctionCall", "partialArgs"): _only("vertex"),
        ("FunctionCall", "willContinue"): _only("vertex"),
        ("FunctionResponse", "willContinue"): _only("developer"),
        ("FunctionCallingConfig", "streamFunctionCallArguments"): _only("vertex"),
        ("Tool", "retrieval"): _only("vertex"),
        ("Tool", "enterpriseWebSearch"): _only("vertex"),
        ("Tool", "parallelAiSearch"): _only("vertex"),
        ("Tool", "exaAiSearch"): _only("vertex"),
        ("SafetySetting", "method"): _only("vertex"),
        ("GenerateContentRequest", "modelArmorConfig"): _only("vertex"),
        ("GenerationConfig", "audioTimestamp"): _only("vertex"),
        ("GenerationConfig", "routingConfig"): _only("vertex"),
        ("GenerationConfig", "modelConfig"): _only("vertex"),
    }
)
"""Fields not every service, or not every model, has."""


@cache
def snake_case(name: str) -> str:
    """The protobuf spelling of a JSON name."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@lru_cache(maxsize=256)
def field_table(message: str, target: Target) -> Mapping[str, tuple[str, str]]:
    """The fields of a message: from either spelling to the camelCase name and the type."""
    known = {
        name: kind
        for name, kind in MESSAGES[message].items()
        if (message, name) not in _RESTRICTED or _RESTRICTED[message, name](target)
    }
    return {spelled: (name, kind) for name, kind in known.items() for spelled in (name, snake_case(name))}

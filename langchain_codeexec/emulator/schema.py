"""Which fields a request may have, as a table.

A field is written as `name:type`, and `name:type@where` where not all have it: `developer` or `vertex` alone, or
`call_ids`, which is all but Vertex with Gemini 2 (it has answered ids of function calls with an unknown name). A
type is `string`, `bool`, `int32`, `double`, `bytes`, `struct` (a free-form object), `value` (any JSON), the name
of an enum or of a message, `[X]` for a list and `{X}` for a map. Source: the public REST references of the Gemini
API and of Vertex AI. Settings the emulator does not look into are free-form here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from langchain_codeexec.emulator.targets import Target

__all__ = ["ENUMS", "MESSAGES", "PART_DATA", "REQUESTS", "field_table", "snake_case"]

PART_DATA = frozenset(
    "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall "
    "toolResponse".split()
)
"""The members of a part's oneof `data`."""


_BATCH = "model:string name:string displayName:string priority:value webhookConfig:struct"
"""What clients may set in batches of every kind."""


class _Field(NamedTuple):
    name: str
    type: str
    where: str


def _field(written: str) -> _Field:
    name, _, kind = written.partition(":")
    kind, _, where = kind.partition("@")
    return _Field(name, kind, where)


MESSAGES: Mapping[str, Mapping[str, _Field]] = {
    message: {field.name: field for field in map(_field, fields.split())}
    for message, fields in {
        "GenerateContentRequest": (
            "contents:[Content] systemInstruction:Content tools:[Tool] generationConfig:GenerationConfig "
            "model:string toolConfig:ToolConfig safetySettings:[SafetySetting] cachedContent:string "
            "labels:{string} modelArmorConfig:struct@vertex "
            "serviceTier:GenerateContentRequest.ServiceTier store:bool@developer "
            "continuationToken:string outputConfig:struct@vertex processingOptions:struct"
        ),
        "CountTokensRequest": (
            "contents:[Content] systemInstruction:Content@vertex tools:[Tool]@vertex "
            "generationConfig:GenerationConfig@vertex model:string "
            "generateContentRequest:GenerateContentRequest@developer instances:[value]@vertex"
        ),
        "CachedContent": (
            "model:string contents:[Content] systemInstruction:Content tools:[Tool] toolConfig:ToolConfig "
            "name:string displayName:string ttl:string expireTime:string createTime:string updateTime:string "
            "usageMetadata:struct encryptionSpec:struct"
        ),
        "EmbedContentRequest": (
            "model:string content:Content taskType:TaskType title:string outputDimensionality:int32 "
            "autoTruncate:bool@vertex embedContentConfig:EmbeddingConfig"
        ),
        "EmbeddingConfig": (
            "taskType:TaskType title:string outputDimensionality:int32 autoTruncate:bool documentOcr:bool "
            "audioTrackExtraction:bool"
        ),
        "BatchEmbedContentsRequest": "model:string requests:[EmbedContentRequest]",
        "PredictRequest": "instances:[struct] parameters:struct labels:{string}",
        "ComputeTokensRequest": "model:string contents:[Content] instances:[struct]",
        "BatchGenerateContentRequest": "batch:GenerateContentBatch",
        "GenerateContentBatch": f"{_BATCH} inputConfig:InputConfig",
        "InputConfig": "requests:InlinedRequests fileName:string",
        "InlinedRequests": "requests:[InlinedRequest]",
        "InlinedRequest": "request:GenerateContentRequest metadata:struct",
        "AsyncBatchEmbedContentRequest": "batch:EmbedContentBatch",
        "EmbedContentBatch": f"{_BATCH} inputConfig:InputEmbedContentConfig",
        "InputEmbedContentConfig": "requests:InlinedEmbedContentRequests fileName:string",
        "InlinedEmbedContentRequests": "requests:[InlinedEmbedContentRequest]",
        "InlinedEmbedContentRequest": "request:EmbedContentRequest metadata:struct",
        "BatchPredictionJob": (
            "name:string displayName:string model:string inputConfig:BatchInputConfig "
            "outputConfig:BatchOutputConfig instanceConfig:struct modelParameters:value labels:{string} "
            "serviceAccount:string encryptionSpec:struct"
        ),
        "BatchInputConfig": (
            "instancesFormat:string gcsSource:GcsSource bigquerySource:struct vertexMultimodalDatasetSource:struct"
        ),
        "GcsSource": "uris:[string]",
        "BatchOutputConfig": (
            "predictionsFormat:string gcsDestination:GcsDestination bigqueryDestination:struct "
            "vertexMultimodalDatasetDestination:struct"
        ),
        "GcsDestination": "outputUriPrefix:string",
        "ReasoningEngine": (
            "name:string displayName:string description:string spec:struct contextSpec:struct "
            "encryptionSpec:struct labels:{string} trafficConfig:struct"
        ),
        "DeleteReasoningEngineRequest": "name:string force:bool",
        "SandboxEnvironment": (
            "name:string displayName:string description:string spec:SandboxEnvironmentSpec ttl:string "
            "expireTime:string owner:string sandboxEnvironmentTemplate:string sandboxEnvironmentSnapshot:string"
        ),
        "SandboxEnvironmentSpec": (
            "codeExecutionEnvironment:CodeExecutionEnvironment computerUseEnvironment:struct "
            "shellEnvironment:struct"
        ),
        "CodeExecutionEnvironment": "codeLanguage:CodeLanguage machineConfig:MachineConfig",
        "ExecuteSandboxEnvironmentRequest": "name:string inputs:[Chunk]",
        "Chunk": "mimeType:string data:bytes metadata:ChunkMetadata",
        "ChunkMetadata": "attributes:{bytes}",
        "CreateFileRequest": "file:File",
        "File": (
            "name:string displayName:string mimeType:string sizeBytes:value createTime:string updateTime:string "
            "expirationTime:string sha256Hash:bytes uri:string downloadUri:string state:string source:string "
            "error:struct videoMetadata:struct"
        ),
        "Content": "role:string parts:[Part]",
        "Part": (
            "text:string inlineData:Blob fileData:FileData functionCall:FunctionCall "
            "functionResponse:FunctionResponse executableCode:ExecutableCode "
            "codeExecutionResult:CodeExecutionResult toolCall:ToolCall@developer "
            "toolResponse:ToolResponse@developer thought:bool thoughtSignature:bytes videoMetadata:struct "
            "mediaResolution:PartMediaResolution partMetadata:struct@developer mediaProcessing:struct "
            "audioTranscription:struct audioMetadata:struct speechMetadata:struct documentMetadata:struct "
            "spreadsheetMetadata:struct"
        ),
        "PartMediaResolution": "level:MediaResolution.Level numTokens:int32",
        "Blob": "mimeType:string data:bytes displayName:string",
        "FileData": "mimeType:string fileUri:string displayName:string",
        "FunctionCall": (
            "id:string@call_ids name:string args:struct partialArgs:[struct]@vertex willContinue:bool@vertex"
        ),
        "FunctionResponse": (
            "id:string@call_ids name:string response:struct parts:[FunctionResponsePart] "
            "willContinue:bool@developer scheduling:FunctionResponse.Scheduling"
        ),
        "FunctionResponsePart": "inlineData:Blob fileData:FileData mediaProcessing:struct",
        "ExecutableCode": "id:string language:ExecutableCode.Language code:string",
        "CodeExecutionResult": "id:string outcome:CodeExecutionResult.Outcome output:string",
        "ToolCall": "id:string toolType:ToolType args:struct",
        "ToolResponse": "id:string toolType:ToolType response:struct",
        "Tool": (
            "functionDeclarations:[FunctionDeclaration] codeExecution:CodeExecution googleSearch:struct "
            "googleSearchRetrieval:struct urlContext:struct googleMaps:struct fileSearch:struct@developer "
            "computerUse:struct retrieval:struct@vertex enterpriseWebSearch:struct@vertex "
            "parallelAiSearch:struct@vertex exaAiSearch:struct@vertex mcpServers:[struct]"
        ),
        "CodeExecution": "",
        "FunctionDeclaration": (
            "name:string description:string parameters:Schema parametersJsonSchema:value response:Schema "
            "responseJsonSchema:value behavior:FunctionDeclaration.Behavior"
        ),
        "Schema": (
            "type:Type format:string title:string description:string nullable:bool default:value "
            "example:value enum:[string] items:Schema minItems:int32 maxItems:int32 properties:{Schema} "
            "required:[string] minProperties:int32 maxProperties:int32 propertyOrdering:[string] "
            "anyOf:[Schema] minimum:double maximum:double minLength:int32 maxLength:int32 pattern:string "
            "additionalProperties:value ref:string defs:{Schema}"
        ),
        "ToolConfig": (
            "functionCallingConfig:FunctionCallingConfig retrievalConfig:struct "
            "includeServerSideToolInvocations:bool@developer"
        ),
        "FunctionCallingConfig": (
            "mode:FunctionCallingConfig.Mode allowedFunctionNames:[string] streamFunctionCallArguments:bool@vertex"
        ),
        "SafetySetting": (
            "category:HarmCategory threshold:SafetySetting.HarmBlockThreshold "
            "method:SafetySetting.HarmBlockMethod@vertex"
        ),
        "GenerationConfig": (
            "stopSequences:[string] responseMimeType:string responseSchema:Schema responseJsonSchema:value "
            "responseFormat:value responseModalities:[GenerationConfig.Modality] candidateCount:int32 "
            "maxOutputTokens:int32 temperature:double topP:double topK:double seed:int32 presencePenalty:double "
            "frequencyPenalty:double responseLogprobs:bool logprobs:int32 audioTimestamp:bool@vertex "
            "enableEnhancedCivicAnswers:bool@developer enableAffectiveDialog:bool "
            "thinkingConfig:ThinkingConfig mediaResolution:GenerationConfig.MediaResolution speechConfig:struct "
            "imageConfig:struct routingConfig:struct@vertex modelConfig:struct@vertex translationConfig:struct "
            "audioTranscriptionConfig:struct"
        ),
        "ThinkingConfig": "includeThoughts:bool thinkingBudget:int32 thinkingLevel:ThinkingConfig.ThinkingLevel",
    }.items()
}


REQUESTS: Mapping[str, str] = {
    "generateContent": "GenerateContentRequest",
    "streamGenerateContent": "GenerateContentRequest",
    "countTokens": "CountTokensRequest",
    "computeTokens": "ComputeTokensRequest",
    "embedContent": "EmbedContentRequest",
    "batchEmbedContents": "BatchEmbedContentsRequest",
    "predict": "PredictRequest",
    "batchGenerateContent": "BatchGenerateContentRequest",
    "asyncBatchEmbedContent": "AsyncBatchEmbedContentRequest",
}
"""The message that each method takes."""


def _enum(prefix: str, names: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in names.split())


ENUMS: Mapping[str, tuple[str, ...]] = {
    "CodeLanguage": _enum("LANGUAGE_", "UNSPECIFIED PYTHON JAVASCRIPT"),
    "MachineConfig": _enum("MACHINE_CONFIG_", "UNSPECIFIED VCPU4_RAM4GIB"),
    "ExecutableCode.Language": _enum("", "LANGUAGE_UNSPECIFIED PYTHON"),
    "CodeExecutionResult.Outcome": _enum("OUTCOME_", "UNSPECIFIED OK FAILED DEADLINE_EXCEEDED"),
    "FunctionCallingConfig.Mode": _enum("", "MODE_UNSPECIFIED AUTO ANY NONE VALIDATED VALIDATED"),
    "FunctionDeclaration.Behavior": _enum("", "UNSPECIFIED BLOCKING NON_BLOCKING"),
    "FunctionResponse.Scheduling": _enum("", "SCHEDULING_UNSPECIFIED SILENT WHEN_IDLE INTERRUPT"),
    "Type": _enum("", "TYPE_UNSPECIFIED STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL"),
    "ToolType": _enum(
        "",
        "TOOL_TYPE_UNSPECIFIED GOOGLE_SEARCH_WEB GOOGLE_SEARCH_IMAGE URL_CONTEXT GOOGLE_MAPS FILE_SEARCH "
        "MEDIA_PROCESSING",
    ),
    "TaskType": _enum(
        "",
        "TASK_TYPE_UNSPECIFIED RETRIEVAL_QUERY RETRIEVAL_DOCUMENT SEMANTIC_SIMILARITY CLASSIFICATION CLUSTERING "
        "QUESTION_ANSWERING FACT_VERIFICATION CODE_RETRIEVAL_QUERY",
    ),
    "HarmCategory": _enum(
        "HARM_CATEGORY_",
        "UNSPECIFIED HATE_SPEECH DANGEROUS_CONTENT HARASSMENT SEXUALLY_EXPLICIT CIVIC_INTEGRITY "
        "JAILBREAK IMAGE_HATE IMAGE_DANGEROUS_CONTENT IMAGE_HARASSMENT IMAGE_SEXUALLY_EXPLICIT",
    ),
    "HarmCategory@developer": _enum(
        "HARM_CATEGORY_",
        "UNSPECIFIED DEROGATORY TOXICITY VIOLENCE SEXUAL MEDICAL DANGEROUS HARASSMENT HATE_SPEECH "
        "SEXUALLY_EXPLICIT DANGEROUS_CONTENT CIVIC_INTEGRITY",
    ),
    "SafetySetting.HarmBlockThreshold": _enum(
        "",
        "HARM_BLOCK_THRESHOLD_UNSPECIFIED BLOCK_LOW_AND_ABOVE BLOCK_MEDIUM_AND_ABOVE BLOCK_ONLY_HIGH "
        "BLOCK_NONE OFF",
    ),
    "SafetySetting.HarmBlockMethod": _enum("", "HARM_BLOCK_METHOD_UNSPECIFIED SEVERITY PROBABILITY"),
    "GenerationConfig.Modality": _enum("", "MODALITY_UNSPECIFIED TEXT IMAGE AUDIO VIDEO"),
    "GenerationConfig.MediaResolution": _enum("MEDIA_RESOLUTION_", "UNSPECIFIED LOW MEDIUM HIGH"),
    "MediaResolution.Level": _enum("MEDIA_RESOLUTION_", "UNSPECIFIED LOW MEDIUM HIGH ULTRA_HIGH"),
    "ThinkingConfig.ThinkingLevel": _enum("", "THINKING_LEVEL_UNSPECIFIED LOW MEDIUM HIGH MINIMAL"),
    "GenerateContentRequest.ServiceTier": _enum("", "UNSPECIFIED STANDARD FLEX PRIORITY"),
}
"""Values by enum, in the order of their numbers, which clients made from the gRPC description send instead of
names; names are matched in any case, as the service does. `@` as in a field."""


@cache
def snake_case(name: str) -> str:
    """The protobuf spelling of a JSON name."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@lru_cache(maxsize=256)
def field_table(message: str, target: Target) -> Mapping[str, tuple[str, str]]:
    """The fields of a message: from either spelling to the camelCase name and the type."""
    allowed = {"", target.endpoint} | (
        {"call_ids"} if target.endpoint == "developer" or target.signs else set()
    )
    known = [field for field in MESSAGES[message].values() if field.where in allowed]
    return {
        spelling: (field.name, field.type)
        for field in known
        for spelling in (field.name, snake_case(field.name))
    }

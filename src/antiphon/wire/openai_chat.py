"""The vocabulary of OpenAI's chat completions API, as types: requests, chunks, whole answers, errors, models.

Source: the public OpenAPI description of `POST /v1/chat/completions`, and what compatible servers are known to send. One set of types
serves both directions: a dialect decodes requests and encodes answers, a provider does the reverse. Decoding is lenient where servers
differ (ids and counters may be missing or null) and strict where a mistake would be silent. Unknown fields are accepted and dropped.

What a core event has no word for travels in `TextDelta.provider_data` under the names of `ProviderData`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypedDict

import msgspec
from msgspec import UNSET, Meta, UnsetType

CHUNK: Final = "chat.completion.chunk"
COMPLETION: Final = "chat.completion"
DONE: Final = b"data: [DONE]\n\n"


class ProviderData(TypedDict, total=False):
    """Extras of a text delta, spelt as in a chunk. logprobs: the built-in form of Logprobs; refusal: the next piece of it."""

    logprobs: dict[str, Any]
    refusal: str
    system_fingerprint: str


class _Wire(msgspec.Struct, omit_defaults=True, gc=False):
    pass


# --- request -----------------------------------------------------------------------------------------------------------------------------


class TextPart(_Wire, tag="text", tag_field="type"):
    text: str


class RefusalPart(_Wire, tag="refusal", tag_field="type"):
    refusal: str


class ImageUrl(_Wire):
    url: str
    detail: str | None = None


class ImagePart(_Wire, tag="image_url", tag_field="type"):
    """Some clients send the address itself where the API asks for an object."""

    image_url: ImageUrl | str


class AudioPart(_Wire, tag="input_audio", tag_field="type"):
    input_audio: dict[str, Any]


class FileData(_Wire):
    """file_data is a data: URL; file_id names a file that the server already has."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(_Wire, tag="file", tag_field="type"):
    file: FileData


ContentPart = TextPart | RefusalPart | ImagePart | AudioPart | FilePart


class FunctionCall(_Wire):
    """arguments is JSON text, exactly as the model wrote it."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct):
    id: str
    function: FunctionCall
    type: Literal["function"] = "function"


class RequestMessage(_Wire):
    """content is left out (UNSET) or null for an assistant's message that only calls tools."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] | UnsetType | None = UNSET
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None


class FunctionSpec(_Wire):
    """parameters is a JSON Schema object."""

    name: Annotated[str, Meta(min_length=1)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolSpec(msgspec.Struct):
    function: FunctionSpec
    type: Literal["function"] = "function"


class StreamOptions(_Wire):
    include_usage: bool | None = None


class ChatCompletionRequest(_Wire):
    """Ranges are the API's own; n is bounded by us."""

    messages: list[RequestMessage]
    model: Annotated[str, Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=8)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=2**31)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1, le=2**31)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=16)] | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    tools: Annotated[list[ToolSpec], Meta(max_length=512)] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    user: str | None = None


# --- answers -----------------------------------------------------------------------------------------------------------------------------


class PromptDetails(_Wire):
    cached_tokens: int | None = None


class CompletionDetails(_Wire):
    reasoning_tokens: int | None = None


class Usage(msgspec.Struct, omit_defaults=True, gc=False):
    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None
    total_tokens: int | float | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


class FunctionDelta(_Wire):
    """arguments: the next piece of a JSON text; some servers send the object itself."""

    name: str | None = None
    arguments: Any = None


class ToolCallDelta(_Wire):
    """index and id are missing on some servers, others number their ids."""

    index: int | None = None
    id: str | int | None = None
    function: FunctionDelta | None = None


class ContentPiece(_Wire):
    """A piece of content given as a list: text, or thinking, which is a text or a list of pieces again."""

    text: str | None = None
    thinking: Any = None


class Delta(_Wire):
    """What a server adds to a choice. reasoning is the name that some servers give to reasoning_content."""

    content: str | list[ContentPiece] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallDelta] | None = None


class TopLogprob(msgspec.Struct, gc=False):
    """bytes: of the token in UTF-8, which may be a part of a character."""

    token: str
    logprob: float
    bytes: list[Annotated[int, Meta(ge=0, le=255)]] | None = None


class TokenLogprob(TopLogprob, gc=False):
    """top_logprobs: the likeliest tokens in this place."""

    top_logprobs: list[TopLogprob] = []


class Logprobs(msgspec.Struct, gc=False):
    content: list[TokenLogprob] | None = None
    refusal: list[TokenLogprob] | None = None


class ChunkChoice(_Wire):
    """message stands in the place of delta in an answer that is not a stream. logprobs: of type Logprobs, or what a server thinks it is."""

    index: int | None = 0
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    logprobs: Any = None


class Chunk(_Wire):
    """One record of a stream, or a whole answer, as a server may send it. error: a failure in mid-stream, in every shape."""

    choices: list[ChunkChoice] | None = None
    usage: Usage | None = None
    system_fingerprint: str | None = None
    error: Any = None


class Error(msgspec.Struct):
    """The four keys that every SDK reads; all are always present."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(msgspec.Struct):
    error: Error


class ModelCard(msgspec.Struct):
    """created: seconds since the epoch."""

    id: str
    created: int
    owned_by: str
    object: Literal["model"] = "model"


class ModelList(msgspec.Struct):
    data: list[ModelCard]
    object: Literal["list"] = "list"

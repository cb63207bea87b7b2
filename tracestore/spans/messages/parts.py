"""Content of one message, in any vendor's form, as parts.

Read are: OpenTelemetry GenAI parts, OpenAI Chat Completions and Responses, Anthropic content
blocks, Amazon Bedrock Converse (Strands), Google GenAI, LangChain content lists.
"""

from __future__ import annotations

from typing import Any

from tracestore.spans.messages.conversation import Part
from tracestore.spans.messages.media import kind_of, media, raw
from tracestore.spans.messages.reprs import TOOL_CALL, read_fields
from tracestore.spans.semconv.tools import content_text
from tracestore.spans.semconv.values import parse_json, plain, to_json


def text_part(value: str) -> Part:
    return {"type": "text", "text": value}


def call_part(identity: Any, name: Any, arguments: Any) -> Part:
    """A requested tool call; arguments written as JSON text are parsed."""
    if isinstance(arguments, str):
        parsed = parse_json(arguments)
        arguments = arguments if parsed is None else parsed
    return {
        "type": "tool_call",
        "id": identity if isinstance(identity, str) else "",
        "name": name if isinstance(name, str) else "",
        "arguments": {} if arguments is None else plain(arguments),
    }


def result_part(identity: Any, name: Any, result: Any) -> Part:
    """What a tool gave, as text."""
    return {
        "type": "tool_result",
        "id": identity if isinstance(identity, str) else "",
        "name": name if isinstance(name, str) else "",
        "result": content_text(plain(result)),
    }


def read_parts(content: Any) -> list[Part]:
    """The parts of a message's content; nothing for empty content."""
    if content is None or content == "" or content == []:
        return []
    if isinstance(content, str):
        return [text_part(content)]
    if isinstance(content, list):
        return [part for block in content for part in read_block(block)]
    return read_block(content)


def read_block(block: Any) -> list[Part]:
    """One content block; several parts only where a block nests others."""
    if isinstance(block, str):
        return [text_part(block)] if block else []
    if not isinstance(block, dict):
        return [raw(block)]
    kind = block.get("type")
    if isinstance(kind, str):
        reader = _BY_TYPE.get(kind)
        if reader is not None:
            return reader(block)
    for key, keyed in _BY_KEY.items():
        if key in block:
            return keyed(block)
    found = block.get("text")
    if isinstance(found, str):
        return [text_part(found)]
    return [raw(block)]


def _text(block: dict[str, Any]) -> list[Part]:
    for key in ("text", "content", "refusal"):
        value = block.get(key)
        if isinstance(value, str):
            if value.startswith(TOOL_CALL) and (fields := read_fields(value)):
                return [call_part(fields.get("call_id"), fields.get("name"), fields.get("arguments"))]
            return [text_part(value)] if value else []
        if isinstance(value, dict) and isinstance(value.get("value"), str):
            return [text_part(value["value"])]
    return [raw(block)]


def _reasoning(block: dict[str, Any]) -> list[Part]:
    for key in ("thinking", "content", "text", "reasoning", "summary"):
        value = block.get(key)
        if value:
            found = content_text(value)
            return [{"type": "reasoning", "text": found}]
    return []


def _call(block: dict[str, Any]) -> list[Part]:
    """`tool_call` (GenAI, LangChain), `function_call` (Responses), `tool_use` (Anthropic)."""
    function = block.get("function")
    if isinstance(function, dict):
        return [call_part(block.get("id"), function.get("name"), function.get("arguments"))]
    arguments = None
    for key in ("arguments", "input", "args"):
        if key in block:
            arguments = block[key]
            break
    return [call_part(block.get("call_id") or block.get("id"), block.get("name"), arguments)]


def _result(block: dict[str, Any]) -> list[Part]:
    """`tool_call_response` (GenAI), `function_call_output` (Responses), `tool_result`."""
    result = None
    for key in ("response", "result", "output", "content"):
        if key in block:
            result = block[key]
            break
    identity = block.get("tool_use_id") or block.get("call_id") or block.get("id")
    return [result_part(identity, block.get("name"), result)]


def _image(block: dict[str, Any]) -> list[Part]:
    """OpenAI `image_url`, Responses `input_image`, Anthropic and LangChain `image`."""
    url = block.get("image_url", block.get("image", block.get("url")))
    if isinstance(url, dict):
        url = url.get("url") or (url.get("image") or {}).get("url")
    source = block.get("source")
    if isinstance(source, dict):
        return [_sourced("image", source)]
    mime = block.get("mime_type") or block.get("media_type")
    return [media("image", mime, url or block.get("data") or block.get("base64") or "")]


def _sourced(kind: Any, source: dict[str, Any]) -> Part:
    data = source.get("url") or source.get("data") or source.get("bytes") or source.get("file_id")
    return media(kind, source.get("media_type") or source.get("mime_type"), data)


def _audio(block: dict[str, Any]) -> list[Part]:
    inner = block.get("input_audio") or block.get("audio") or block
    inner = inner if isinstance(inner, dict) else {}
    form = inner.get("format")
    mime = f"audio/{form}" if isinstance(form, str) else inner.get("mime_type")
    return [media("audio", mime, inner.get("data") or inner.get("url") or "")]


def _file(block: dict[str, Any]) -> list[Part]:
    inner = block.get("file") if isinstance(block.get("file"), dict) else block
    source = block.get("source")
    if isinstance(source, dict):
        return [_sourced("file", source)]
    inner = inner if isinstance(inner, dict) else {}
    data = inner.get("file_data") or inner.get("file_url") or inner.get("file_id") or ""
    return [media("file", inner.get("mime_type"), data or inner.get("data") or "")]


def _blob(block: dict[str, Any]) -> list[Part]:
    """GenAI `blob`, `uri` and `file`: bytes, a link, or a vendor's file id."""
    mime = block.get("mime_type")
    kind = kind_of(block.get("modality") or mime)
    source = block.get("uri") or block.get("content") or block.get("data") or block.get("file_id")
    return [media(kind, mime, source)]


def _message(block: dict[str, Any]) -> list[Part]:
    return read_parts(block.get("content"))


def _tool_use(block: dict[str, Any]) -> list[Part]:
    inner = block["toolUse"]
    if not isinstance(inner, dict):
        return [raw(block)]
    return [call_part(inner.get("toolUseId"), inner.get("name"), inner.get("input"))]


def _tool_result(block: dict[str, Any]) -> list[Part]:
    inner = block["toolResult"]
    if not isinstance(inner, dict):
        return [raw(block)]
    return [result_part(inner.get("toolUseId"), inner.get("name"), inner.get("content"))]


def _function_call(block: dict[str, Any]) -> list[Part]:
    inner = block.get("functionCall") or block.get("function_call")
    if not isinstance(inner, dict):
        return [raw(block)] if inner else _text(block)
    arguments = inner.get("args", inner.get("arguments"))
    return [call_part(inner.get("id"), inner.get("name"), arguments)]


def _function_response(block: dict[str, Any]) -> list[Part]:
    inner = block.get("functionResponse") or block.get("function_response")
    if not isinstance(inner, dict):
        return [raw(block)] if inner else _text(block)
    return [result_part(inner.get("id"), inner.get("name"), inner.get("response"))]


def _inline(block: dict[str, Any]) -> list[Part]:
    inner = block.get("inlineData") or block.get("inline_data") or {}
    inner = inner if isinstance(inner, dict) else {}
    mime = inner.get("mimeType") or inner.get("mime_type")
    return [media(kind_of(mime), mime, inner.get("data") or "")]


def _linked(block: dict[str, Any]) -> list[Part]:
    inner = block.get("fileData") or block.get("file_data") or {}
    inner = inner if isinstance(inner, dict) else {}
    mime = inner.get("mimeType") or inner.get("mime_type")
    return [media(kind_of(mime), mime, inner.get("fileUri") or inner.get("file_uri") or "")]


def _bedrock_image(block: dict[str, Any]) -> list[Part]:
    inner = block["image"]
    if not isinstance(inner, dict):
        return _image(block)
    form = inner.get("format")
    source = inner.get("source")
    data = source.get("bytes") if isinstance(source, dict) else ""
    return [media("image", f"image/{form}" if isinstance(form, str) else "", data)]


def _bedrock_reasoning(block: dict[str, Any]) -> list[Part]:
    inner = block["reasoningContent"]
    found = inner.get("reasoningText") if isinstance(inner, dict) else None
    text = found.get("text") if isinstance(found, dict) else None
    return [{"type": "reasoning", "text": text if isinstance(text, str) else to_json(inner)}]


_BY_TYPE = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _text,
    "reasoning": _reasoning,
    "thinking": _reasoning,
    "redacted_thinking": _reasoning,
    "tool_call": _call,
    "function": _call,
    "function_call": _call,
    "custom_tool_call": _call,
    "tool_use": _call,
    "server_tool_use": _call,
    "mcp_call": _call,
    "tool_call_response": _result,
    "function_call_output": _result,
    "custom_tool_call_output": _result,
    "tool_result": _result,
    "image": _image,
    "image_url": _image,
    "input_image": _image,
    "audio": _audio,
    "input_audio": _audio,
    "file": _file,
    "input_file": _file,
    "document": _file,
    "blob": _blob,
    "uri": _blob,
    "message": _message,
}

_BY_KEY = {
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "functionCall": _function_call,
    "function_call": _function_call,
    "functionResponse": _function_response,
    "function_response": _function_response,
    "inlineData": _inline,
    "inline_data": _inline,
    "fileData": _linked,
    "file_data": _linked,
    "image": _bedrock_image,
    "reasoningContent": _bedrock_reasoning,
}

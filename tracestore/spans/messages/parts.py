"""Content of one message, in any vendor's form, as parts.

Read are: OpenTelemetry GenAI parts, OpenAI Chat Completions and Responses, Anthropic content
blocks, Amazon Bedrock Converse (Strands), Google GenAI, LangChain content lists, Vercel's AI SDK, Haystack.
"""

from __future__ import annotations

from typing import Any

from tracestore.spans.messages import haystack, hosted, vercel
from tracestore.spans.messages.conversation import Part
from tracestore.spans.messages.media import Kind, kind_of, media, raw
from tracestore.spans.messages.normal import call_part, result_part, text_part
from tracestore.spans.messages.reprs import TOOL_CALL, read_fields
from tracestore.spans.semconv.tools import content_text
from tracestore.spans.semconv.values import to_json


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
        # Google marks what the model thought, instead of giving it a type.
        return [{"type": "reasoning", "text": found}] if block.get("thought") is True else [text_part(found)]
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
    """OpenAI `image_url`, Responses `input_image`, Anthropic and LangChain `image`, Vercel's."""
    if not vercel.MEDIA_KEYS.isdisjoint(block):
        return vercel.media_part(block)
    url = block.get("image_url", block.get("image", block.get("url")))
    if isinstance(url, dict):
        url = url.get("url") or (url.get("image") or {}).get("url")
    source = block.get("source")
    if isinstance(source, dict):
        return [_sourced("image", source)]
    mime = block.get("mime_type") or block.get("media_type")
    data = url or block.get("data") or block.get("base64")
    return [media("image", mime, data) if data else _stored("image", mime, block.get("file_id"))]


def _stored(kind: Kind, mime: object, identity: object) -> Part:
    """A file that the vendor keeps, by its id: there is no content."""
    part = media(kind, mime)
    if isinstance(identity, str) and identity:
        part["uri"] = identity
    return part


def _sourced(kind: Any, source: dict[str, Any]) -> Part:
    mime = source.get("media_type") or source.get("mime_type")
    data = source.get("url") or source.get("data") or source.get("bytes")
    return media(kind, mime, data) if data else _stored(kind, mime, source.get("file_id"))


def _audio(block: dict[str, Any]) -> list[Part]:
    inner = block.get("input_audio") or block.get("audio") or block
    inner = inner if isinstance(inner, dict) else {}
    form = inner.get("format")
    mime = f"audio/{form}" if isinstance(form, str) else inner.get("mime_type")
    return [media("audio", mime, inner.get("data") or inner.get("url") or "")]


def _file(block: dict[str, Any]) -> list[Part]:
    """OpenAI `file` and `input_file`, Anthropic `document`, GenAI `file` (with a modality), Vercel's."""
    if not vercel.MEDIA_KEYS.isdisjoint(block):
        return vercel.media_part(block)
    if "modality" in block:
        return _blob(block)
    inner = block.get("file") if isinstance(block.get("file"), dict) else block
    source = block.get("source")
    if isinstance(source, dict):
        return [_sourced("file", source)]
    inner = inner if isinstance(inner, dict) else {}
    mime = inner.get("mime_type")
    data = inner.get("file_data") or inner.get("file_url") or inner.get("data")
    return [media("file", mime, data) if data else _stored("file", mime, inner.get("file_id"))]


def _blob(block: dict[str, Any]) -> list[Part]:
    """GenAI `blob`, `uri` and `file`: bytes, a link, or a vendor's file id."""
    mime = block.get("mime_type")
    kind = kind_of(block.get("modality") or mime)
    if uri := block.get("uri"):
        return (
            [_stored(kind, mime, uri)] if isinstance(uri, str) and "://" not in uri[:16] else [media(kind, mime, uri)]
        )
    content = block.get("content") or block.get("data")
    return [media(kind, mime, content) if content else _stored(kind, mime, block.get("file_id"))]


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
    if "base64_image" in inner:
        return haystack.media_part(inner)
    form = inner.get("format")
    source = inner.get("source")
    data = source.get("bytes") if isinstance(source, dict) else ""
    return [media("image", f"image/{form}" if isinstance(form, str) else "", data)]


def _bedrock_reasoning(block: dict[str, Any]) -> list[Part]:
    inner = block["reasoningContent"]
    found = inner.get("reasoningText") if isinstance(inner, dict) else None
    text = found.get("text") if isinstance(found, dict) else None
    return [{"type": "reasoning", "text": text if isinstance(text, str) else to_json(inner)}]


def _bedrock_document(block: dict[str, Any]) -> list[Part]:
    inner = block["document"]
    if not isinstance(inner, dict):
        return [raw(block)]
    source = inner.get("source")
    source = source if isinstance(source, dict) else {}
    link = source.get("s3Location")
    data = link.get("uri") if isinstance(link, dict) else source.get("bytes") or ""
    form = inner.get("format")
    part = media("file", f"application/{form}" if isinstance(form, str) else "", data)
    if isinstance(inner.get("name"), str):
        part["name"] = inner["name"]
    return [part]


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
    **hosted.BY_TYPE,
    **vercel.BY_TYPE,
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
    "document": _bedrock_document,
    **hosted.BY_KEY,
    **haystack.BY_KEY,
}

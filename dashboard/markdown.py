"""Markdown from models and tools as HTML that cannot do anything.

Three walls: the parser passes no HTML on, images become text (nothing is ever fetched from another
host), and nh3 lets only an allow-list of tags out. Text that is too long or too nested for a browser
or the parser is shown plain: `'>' * 50000` must cost milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token

from dashboard.visible_text import visible

#: Characters rendered as markdown at most; longer text is shown plain.
LENGTH_LIMIT = 150_000
NESTING_LIMIT = 20

TAGS = {
    "p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a",
    "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}

# Runs that make CommonMark parsers slow or deep: quotes in quotes, lists in lists, emphasis, brackets.
DEEP = re.compile(r"^(?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])){21,}|[*_~`\[\]!(<]{200,}", re.MULTILINE)


def image_as_text(self: RendererProtocol, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    return f"<code>[image: {escape(token.content)} {escape(str(token.attrGet('src') or '')[:300])}]</code>"


def parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "maxNesting": NESTING_LIMIT}).enable(["table", "strikethrough"])
    made.add_render_rule("image", image_as_text)
    return made


PARSER = parser()


def plain(text: str) -> SafeString:
    return format_html('<pre class="plain">{}</pre>', text)


def render(text: str) -> SafeString:
    """The text as harmless HTML; plain when it is over the limits or the parser gives up."""
    text = visible(text)
    if len(text) > LENGTH_LIMIT or DEEP.search(text):
        return plain(text)
    try:
        environment: dict[str, Any] = {}
        tokens = PARSER.parse(text, environment)
        # The parser drops what lies deeper than it goes; hiding text would be worse than plain text.
        if any(token.level >= NESTING_LIMIT - 2 for token in tokens):
            return plain(text)
        html = PARSER.renderer.render(tokens, PARSER.options, environment)
    except (RecursionError, ValueError):
        return plain(text)
    cleaned = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(cleaned)  # noqa: S308 - sanitised just above

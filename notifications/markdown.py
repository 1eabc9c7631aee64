"""An operator's Markdown as safe HTML: a few tags, https and mailto links, no raw HTML, no pictures."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_RULES = ["heading", "list", "fence", "newline", "escape", "backticks", "emphasis", "link", "autolink", "entity"]
_SAFE = ("https://", "mailto:")
_TAGS = {"a", "br", "code", "em", "h3", "li", "ol", "p", "pre", "strong", "ul"}
_REL = "nofollow noopener"


@lru_cache(maxsize=8)
def as_html(text: str) -> SafeString:
    """Headings (one size), bold, italic, lists, links, code; everything else stays plain text."""
    return mark_safe(  # noqa: S308 - cleaned a second time, should the renderer ever let something through
        nh3.clean(
            _markdown().render(text),
            tags=_TAGS,
            attributes={"a": {"href"}, "ol": {"start"}},
            url_schemes={"https", "mailto"},
            link_rel=_REL,
        )
    )


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    reader = MarkdownIt("zero", {"html": False, "breaks": True}).enable(_RULES)
    reader.inline.ruler.at("emphasis", _emphasis)
    reader.validateLink = _is_safe  # type: ignore[method-assign]
    for part in ("heading_open", "heading_close"):
        reader.add_render_rule(part, _heading)
    return reader


def _is_safe(url: str) -> bool:
    return url.lower().startswith(_SAFE)


def _heading(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    tokens[at].tag = "h3"  # the page has its own h1 and h2
    return renderer.renderToken(tokens, at, options, env)


def _emphasis(state: StateInline, silent: bool) -> bool:
    """CommonMark's emphasis, and also next to Chinese.

    CommonMark does not make `**注意：**今晚` bold: it wants a space after the colon, which Chinese does not write.
    """
    marker = state.src[state.pos]
    if silent or marker not in "_*":
        return False
    found = state.scanDelims(state.pos, marker == "*")
    after = state.pos + found.length
    last = state.src[state.pos - 1] if state.pos else " "
    following = state.src[after] if after < state.posMax else " "
    if marker == "*" and (_is_wide(last) or _is_wide(following)):
        found = found._replace(can_open=not following.isspace(), can_close=not last.isspace())
    for _number in range(found.length):
        state.push("text", "", 0).content = marker
        state.delimiters.append(
            Delimiter(
                marker=ord(marker),
                length=found.length,
                token=len(state.tokens) - 1,
                end=-1,
                open=found.can_open,
                close=found.can_close,
            )
        )
    state.pos = after
    return True


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"

"""What an operator writes in Markdown, as HTML."""

from __future__ import annotations

import re
import time

import pytest

from notifications import markdown
from notifications.markdown import as_html

LINK = '<a href="{}" rel="nofollow noopener">x</a>'
ALLOWED = {"a", "br", "code", "em", "h3", "li", "ol", "p", "pre", "strong", "ul"}


def tags(html: str) -> set[str]:
    return set(re.findall(r"<(\w+)", html))


class TestWhatIsOffered:
    @pytest.mark.parametrize(
        ("text", "html"),
        [
            ("### 标题", "<h3>标题</h3>"),
            ("# 标题", "<h3>标题</h3>"),
            ("**粗** *斜*", "<p><strong>粗</strong> <em>斜</em></p>"),
            ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
            ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
            ("`a<b`", "<p><code>a&lt;b</code></p>"),
            ("```js\nx\n```", "<pre><code>x\n</code></pre>"),
            ("一\n二", "<p>一<br>\n二</p>"),
            ("[x](https://example.com/?a=1&b=2)", "<p>" + LINK.format("https://example.com/?a=1&amp;b=2") + "</p>"),
            ("[x](mailto:a@example.com)", "<p>" + LINK.format("mailto:a@example.com") + "</p>"),
        ],
    )
    def test_it_is_drawn(self, text: str, html: str) -> None:
        assert as_html(text).strip() == html

    @pytest.mark.parametrize(
        ("text", "bold"), [("**注意：**今晚维护", "注意："), ("请看**《说明》**再提交", "《说明》"), ("a**b**c", "b")]
    )
    def test_bold_ends_beside_chinese_punctuation(self, text: str, bold: str) -> None:
        assert f"<strong>{bold}</strong>" in as_html(text)

    def test_a_lone_asterisk_stays_one(self) -> None:
        assert "3 * 4 * 5" in as_html("3 * 4 * 5")


class TestWhatIsNot:
    @pytest.mark.parametrize(
        "text",
        [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "![x](https://example.com/x.png)",
            "[x](javascript:alert(1))",
            "[x](java\tscript:alert(1))",
            "[x](&#106;avascript:alert(1))",
            "[x](data:text/html,hello)",
            "[x](http://example.com)",
            "[x](//example.com)",
            "[x](/admin/)",
            "[x](https:example.com)",
            '[x](https://example.com" onclick="alert(1))',
            '[x](https://example.com "title")',
            "<https://example.com/<script>>",
            "```<script>\nx\n```",
            "| a |\n|---|\n| b |",
        ],
    )
    def test_nothing_else_gets_in(self, text: str) -> None:
        html = as_html(text)
        assert tags(html) <= ALLOWED
        links = re.findall(r"<a ([^>]*)>", html)
        assert all(
            re.fullmatch(r'href="(https://|mailto:)[^"]*"( title="title")? rel="nofollow noopener"', a) for a in links
        )

    @pytest.mark.parametrize("url", ["javascript:alert(1)", "http://example.com", "/admin/", "https:x"])
    def test_a_link_elsewhere_is_text(self, url: str) -> None:
        assert "<a " not in as_html(f"[x]({url})")

    def test_html_is_text(self) -> None:
        assert as_html("<script>alert(1)</script>").strip() == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"

    def test_the_belt_holds_without_the_braces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Should the renderer let HTML through, the cleaner does not."""
        reader = markdown.MarkdownIt("commonmark", {"html": True})
        monkeypatch.setattr(markdown, "_markdown", lambda: reader)
        html = as_html("belt <script>alert(1)</script><img src=x onerror=alert(1)> <a href='javascript:x'>y</a>")
        assert tags(html) <= ALLOWED
        assert "javascript" not in html

    @pytest.mark.parametrize("text", ["*" * 4000, "[" * 4000, "`a" * 2000, "**a" * 1300, "- " * 2000, "[a](" * 1000])
    def test_no_text_takes_long(self, text: str) -> None:
        began = time.process_time()
        as_html(text)
        assert time.process_time() - began < 2

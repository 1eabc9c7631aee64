"""The Chinese catalogue: complete, compiled, and one name for one thing."""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "locale" / "zh_Hans" / "LC_MESSAGES"
HAN = "\u4e00-\u9fff"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")
GROUP = "守护（自动踢人）"  # of the menu: what people look for; on no button
# One thing has one name, and nobody is thrown out.
UNWANTED = ("团队", "车位", "兑换码", "卡密", "踢", "您", "请稍候", "!", "！", "登陆", "帐号")


def entries() -> list[tuple[str, str, list[str], str]]:
    """Context, English (singular), the translations and the flags of every entry but the header."""
    found = []
    for block in (FOLDER / "django.po").read_text("utf-8").split("\n\n"):
        parts: dict[str, str] = {}
        flags = name = ""
        for line in block.splitlines():
            if line.startswith("#,"):
                flags += line
            elif match := re.match(r'(msg[\w\[\]]+) (".*")$', line):
                name = match[1]
                parts[name] = ast.literal_eval(match[2])
            elif line.startswith('"'):
                parts[name] += ast.literal_eval(line)
        if parts.get("msgid"):
            said = [text for key, text in parts.items() if key.startswith("msgstr")]
            PLURALS[parts["msgid"]] = parts.get("msgid_plural", "")
            found.append((parts.get("msgctxt", ""), parts["msgid"], said, flags))
    return found


PLURALS: dict[str, str] = {}
ENTRIES = entries()


def test_no_entry_is_fuzzy() -> None:
    assert [english for _context, english, _said, flags in ENTRIES if "fuzzy" in flags] == []


def test_no_entry_is_untranslated() -> None:
    assert [english for _context, english, said, _flags in ENTRIES if not all(said)] == []


def test_the_compiled_catalogue_is_this_one() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for context, english, said, _flags in ENTRIES:
        text = compiled.pgettext(context, english) if context else compiled.gettext(english)
        assert text in (said[0], english if not said[0] else said[0]), english


def test_every_placeholder_is_one_of_the_english() -> None:
    for _context, english, said, _flags in ENTRIES:
        for text in said:
            assert set(PLACEHOLDER.findall(text)) <= set(PLACEHOLDER.findall(english + PLURALS[english])), english


@pytest.mark.parametrize("word", UNWANTED)
def test_the_words_are_those_of_the_trade(word: str) -> None:
    found = [text for _context, _english, said, _flags in ENTRIES for text in said if word in text]
    assert [text for text in found if text != GROUP] == []


@pytest.mark.parametrize("word", [word for word in UNWANTED if word not in "!！"])
def test_so_are_those_a_template_writes_itself(word: str) -> None:
    folder = FOLDER.parent.parent.parent / "templates"
    assert [path.name for path in folder.rglob("*") if path.is_file() and word in path.read_text("utf-8")] == []


def test_punctuation_between_chinese_is_full_width() -> None:
    half = re.compile(rf"[{HAN}][,;:?](?![\w/])|[{HAN}]\.(?:$|\s)|\([^)]*[{HAN}]|[{HAN}]\(")
    assert [text for _context, _english, said, _flags in ENTRIES for text in said if half.search(text)] == []


def test_a_space_stands_between_chinese_and_latin() -> None:
    close = re.compile(rf"[{HAN}][A-Za-z0-9]|[A-Za-z0-9][{HAN}]")
    said = [text for _context, english, said, _flags in ENTRIES for text in said if "H:i" not in english]
    assert [text for text in said if close.search(PLACEHOLDER.sub("", text))] == []

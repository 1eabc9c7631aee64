"""What the documentation must not miss: every variable, setting, command and error code there is; no dead link."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands

from invites.redeeming.errors import RedeemError
from notifications.settings import runtime
from teampool.imports import reasons
from teampool.imports.reading import record

ROOT = Path(settings.BASE_DIR)
DOCS = ROOT / "docs"
OURS = {"config", "guardian", "invites", "notifications", "teampool"}
HEAVIEST = 150_000  # bytes
# Made at run time, in the folder of `manage.py`.
MADE = {"var", "staticfiles"}
# For whoever reads the code, whose comments are English: the Chinese pages link to these.
ENGLISH_ONLY = {"design.md", "upstream.md"}
# "design §4", "upstream §14.1", "upstream §5, §6 and §7", "design §3–§4".
CITATION = re.compile(r"\b(design|upstream) (§[\d.]*\d(?:(?:, | and | to |–)§[\d.]*\d)*)")
# What a reader of this repository does not have.
NOT_HERE = re.compile(r"upstream-contract|house-plan|\bexperience\b|\bproduct(?:\.md| §| [A-Z]\d)|\breference/")
EACH_LANGUAGE = pytest.mark.parametrize("language", ["en", "zh"])


def page(language: str, name: str) -> str:
    return (DOCS / language / f"{name}.md").read_text()


def rows(text: str) -> dict[str, list[str]]:
    """The rows of every table by the name that begins them: the other cells."""
    found = re.findall(r"^\| `([^`]+)` \|(.*)\|$", text, re.MULTILINE)
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in found}


def variables() -> dict[str, Any]:
    """What settings read from the environment, with the default as written; `...` for one that is computed."""
    found: dict[str, Any] = {}
    for node in ast.walk(ast.parse((ROOT / "config" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and re.fullmatch(r"env\.\w+", ast.unparse(node.func)) and node.args:
            if not isinstance(node.args[0], ast.Constant):
                continue
            default = node.args[1] if len(node.args) > 1 else None
            try:
                found[node.args[0].value] = ast.literal_eval(default) if default is not None else ""
            except ValueError:
                found[node.args[0].value] = ...
    return found


def as_written(value: Any) -> str:
    if isinstance(value, bool):
        return "`on`" if value else "`off`"
    if isinstance(value, list | tuple):
        value = ",".join(value)
    return f"`{value}`"


def is_left_out(default: Any) -> bool:
    """Nothing at all, or a text too long for a table."""
    return isinstance(default, str) and (not default or " " in default)


def bounds(setting: runtime.RuntimeSetting[Any]) -> str:
    if setting.choices:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    return "" if setting.low is None else f"{setting.low} – {setting.high}"


class TestConfiguration:
    def test_settings_are_found(self):
        found = variables()
        assert {"SECRET_KEY", "DATABASE_URL", "WORKERS", "LOG_LEVEL"} <= set(found)
        assert found["REDEEM_THROTTLE"] == "10/m"

    @EACH_LANGUAGE
    def test_it_lists_each_variable_and_no_other(self, language):
        listed = {name for name in rows(page(language, "configuration")) if name.isupper()}
        assert listed == set(variables())

    @EACH_LANGUAGE
    def test_it_tells_each_default(self, language):
        listed = rows(page(language, "configuration"))
        expected = {name: as_written(value) for name, value in variables().items() if value not in ("", [], ...)}
        assert {name: listed[name][0] for name in expected} == expected

    @EACH_LANGUAGE
    def test_it_lists_each_run_time_setting_with_default_and_bounds(self, language):
        listed = {name: cells[:2] for name, cells in rows(page(language, "configuration")).items() if "." in name}
        assert listed == {
            key: ["" if is_left_out(one.default) else as_written(one.default), bounds(one)]
            for key, one in runtime.declared().items()
        }

    @EACH_LANGUAGE
    def test_it_lists_each_command(self, language):
        ours = {name for name, room in get_commands().items() if room in OURS}
        listed = page(language, "configuration")
        assert {name for name in ours if not re.search(rf"`{name}\b", listed)} == set()


class TestIntegration:
    @EACH_LANGUAGE
    def test_it_lists_each_error_code(self, language):
        doors = "".join(path.read_text() for path in sorted((ROOT / "teampool" / "imports").glob("*.py")))
        api = (ROOT / "invites" / "public" / "api.py").read_text()
        codes = set(re.findall(r'NotTaken\(\s*\d+, "(\w+)"', doors)) | set(re.findall(r'"error_code": "(\w+)"', api))
        codes |= set(re.findall(r'_BadRequest\(\s*HTTPStatus\.\w+, "(\w+)"', api))
        codes |= {error.error_code for error in RedeemError.__subclasses__()}
        codes |= reasons.INVALID | {reasons.TOKEN_DEAD, reasons.NO_TEAM, reasons.UNREACHABLE, reasons.SLOW_DOWN}
        assert {"unauthorized", "not_found", "not_json", "code_used", record.NO_TOKEN} <= codes
        listed = page(language, "integration")
        assert {code for code in codes if f"`{code}`" not in listed} == set()


class TestPages:
    @pytest.mark.parametrize("name", ["en/design", "en/how-it-works", "zh/how-it-works"])
    def test_each_module_a_page_names_is_there(self, name):
        here = [path.as_posix() for path in ROOT.rglob("*.py") if not path.relative_to(ROOT).as_posix().startswith(".")]
        named = set(re.findall(r"`([a-z_/]+\.py)`", (DOCS / f"{name}.md").read_text()))
        assert named
        assert [module for module in sorted(named) if not any(path.endswith(f"/{module}") for path in here)] == []

    def test_each_is_there_in_both_languages(self):
        english, chinese = ({path.name for path in (DOCS / language).glob("*.md")} for language in ("en", "zh"))
        assert english - ENGLISH_ONLY == chinese
        assert english >= ENGLISH_ONLY

    @pytest.mark.parametrize("name", sorted(ENGLISH_ONLY))
    def test_one_without_a_translation_is_linked_from_both_languages(self, name):
        assert f"]({name})" in page("en", "how-it-works")
        assert f"](../en/{name})" in page("zh", "how-it-works")
        for readme in ("README.md", "README.zh-CN.md"):
            assert f"](docs/en/{name})" in (ROOT / readme).read_text(), readme

    def test_each_says_the_same_commands(self):
        for path in (DOCS / "zh").glob("*.md"):
            both = [commands(text) for text in (path.read_text(), (DOCS / "en" / path.name).read_text())]
            assert both[0] == both[1], path.name

    def test_no_link_leads_nowhere(self):
        dead = []
        for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]:
            text = path.read_text()
            links = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text)
            for link in (one or other for one, other in links):
                target = link.partition("#")[0]
                if target and not target.startswith("http") and not (path.parent / target).exists():
                    dead.append(f"{path.relative_to(ROOT)}: {link}")
        assert dead == []

    def test_pictures_are_light(self):
        pictures = list((DOCS / "images").rglob("*.png"))
        assert pictures
        assert [path.name for path in pictures if path.stat().st_size > HEAVIEST] == []


class TestCitations:
    def test_sections_are_numbered_without_a_gap(self):
        assert [number for number in sections("design") if "." not in number] == [str(n) for n in range(1, 9)]
        assert [number for number in sections("upstream") if "." not in number] == [str(n) for n in range(18)]

    def test_each_section_a_comment_cites_is_there(self):
        there = {name: set(sections(name)) for name in ("design", "upstream")}
        cited = [
            (where, document, number)
            for where, text in spoken()
            for document, numbers in CITATION.findall(text)
            for number in re.findall(r"[\d.]*\d", numbers)
        ]
        assert {document for _where, document, _number in cited} == {"design", "upstream"}
        assert [one for one in cited if one[2] not in there[one[1]]] == []

    def test_no_comment_cites_what_is_not_in_the_repository(self):
        # A bare section sign, too: nobody knows of what.
        found = [(where, text) for where, text in spoken() if NOT_HERE.search(text) or "§" in CITATION.sub("", text)]
        assert found == []


def sections(name: str) -> list[str]:
    """The numbers of a page's headings, `3` and `14.1`, in their order."""
    return re.findall(r"^##+ (\d+(?:\.\d+)?)\b", page("en", name), re.MULTILINE)


def spoken() -> Iterator[tuple[str, str]]:
    """Every comment and docstring of our Python files, and every template whole, with where it stands."""
    rooms = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "." and path.name not in MADE]
    found = [path for room in rooms for path in room.rglob("*") if path.suffix in (".py", ".html")]
    for path in sorted([*ROOT.glob("*.py"), *found]):
        name, text = str(path.relative_to(ROOT)), path.read_text()
        if path.suffix == ".html":
            yield name, text
            continue
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield f"{name}:{token.start[0]}", token.string
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}: {getattr(node, 'name', 'module')}", ast.get_docstring(node) or ""


def commands(text: str) -> list[str]:
    """The shell lines of a page without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [re.sub(r"\s+#.*", "", line).rstrip() for block in blocks for line in block.splitlines()]
    return [re.sub(r"<[^>]*>", "<…>", line) for line in lines if line and not line.startswith("#")]

"""Imports go guardian → invites → teampool → notifications → base; `config` puts them together, `sandbox` stands apart.

Read from the source, so that an import inside a function, a string that is imported later, a relation by
name or a reverse relation counts as well. A task further left may be named as a string: that is what the
queue is for (design §2).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

ROOMS = ("config", "guardian", "invites", "teampool", "notifications", "base")  # each may import those after it
WITH_MODELS = ("guardian", "invites", "teampool", "notifications")
ROOT = Path(settings.BASE_DIR)
OURS = (*ROOMS, "sandbox")
# The rooms inside a room, the highest floor first: each may import those on a lower floor, none on its own.
# What stands in no list (a module or room somebody adds) fails, so that whoever adds it says where it stands.
FLOORS: dict[str, tuple[str, ...]] = {
    "config": (
        "management wsgi urls apps settings",
        "service",
        "backoffice",
        "checks context environment first_run formats health icon no_such_address openapi secrets security sqlite3",
    ),
    "config.service": ("demo", "supervisor doctor backup", "startup", "die_with_parent static_files warmup watchdog"),
    "config.backoffice": (
        "admin_app",
        "site",
        "admin navigation settings_page first_operator login templatetags theme",
        "lockout operators overview theme_words",
    ),
    "guardian": (
        "apps",
        "admin tasks management",
        "decisions",
        "sweeping",
        "clockwork",
        "mode",
        "models",
        "bells rules",
        "settings",
    ),
    "invites": (
        "tasks management",
        "apps",
        "reconcile admin",
        "public actions",
        "redeeming delivery following queries",
        "departures",
        "clock_repair",
        "seats",
        "codes",
        "locking matching",
        "models",
        "bells settings states times words",
    ),
    "teampool": (
        "tasks management",
        "admin clock_repair apps",
        "imports",
        "access",
        "login",
        "teams",
        "counting",
        "stored_snapshot",
        "snapshot",
        "pool",
        "api_keys leases",
        "models settings bells",
        "known",
        "upstream",
    ),
    "notifications": (
        "tasks admin management clock_repair apps",
        "sending",
        "channels announcement",
        "texts",
        "settings",
        "audit",
        "outbox",
        "ways",
        "models topics markdown encryption bells",
    ),
}


def sources(room: str) -> list[Path]:
    return [path for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts]


def may_import(room: str) -> set[str]:
    if room == "sandbox":
        return {"sandbox"}
    return set(ROOMS[ROOMS.index(room) :])


def package_of(path: Path) -> list[str]:
    return list(path.relative_to(ROOT).parent.parts)


def imported(tree: ast.AST, package: list[str]) -> Iterator[tuple[int, str]]:
    """Every module an import statement names, wherever it stands, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            if module:
                yield node.lineno, module
            else:  # `from . import x` at the top
                yield from ((node.lineno, alias.name) for alias in node.names)


def called_by_name(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """What import_module, import_string and get_model are given as a literal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(first := node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"import_module", "import_string", "__import__", "get_model"} and isinstance(first.value, str):
                yield node.lineno, first.value


def inside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (below for below in ast.walk(node) if isinstance(below, ast.Import | ast.ImportFrom))


@pytest.mark.parametrize("room", OURS)
def test_imports_go_to_the_right(room):
    wrong = []
    for path in sources(room):
        tree = ast.parse(path.read_text())
        for line, module in [*imported(tree, package_of(path)), *called_by_name(tree)]:
            target = module.split(".")[0]
            if target in OURS and target not in may_import(room):
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong


def floor_of(room: str, module: str) -> int | None:
    """On which floor of `room` this module stands, 0 the lowest; None when it stands in another room."""
    if not module.startswith(f"{room}."):
        return None
    name = module.removeprefix(f"{room}.").split(".")[0]
    lowest_first = FLOORS[room][::-1]
    return next((number for number, names in enumerate(lowest_first) if name in names.split()), None)


def modules_named(tree: ast.AST, package: list[str]) -> Iterator[tuple[int, str]]:
    """What is imported, to the module: `from invites import codes` names invites.codes where that is a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            origin = next(imported(ast.Module([node], []), package))[1]
            for alias in node.names:
                path = ROOT / origin.replace(".", "/") / alias.name
                is_module = path.is_dir() or path.with_suffix(".py").exists()
                yield node.lineno, f"{origin}.{alias.name}" if is_module else origin
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


@pytest.mark.parametrize("room", FLOORS)
def test_imports_inside_a_room_go_down(room):
    wrong = []
    for path in sources(room.replace(".", "/")):
        here = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        if here == room:
            continue
        own = floor_of(room, here)
        assert own is not None, f"{here} stands on no floor of {room}: say in FLOORS on which"
        for line, module in modules_named(ast.parse(path.read_text()), package_of(path)):
            name = module.removeprefix(f"{room}.").split(".")[0]
            other = floor_of(room, module)
            if other is not None and other >= own and name != here.removeprefix(f"{room}.").split(".")[0]:
                wrong.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not wrong


@pytest.mark.parametrize("room", OURS)
def test_no_import_of_ours_hides_in_a_function(room):
    """It would dodge a cycle; AppConfig.ready() is the one place where Django asks for it."""
    hidden = []
    for path in sources(room):
        if path.name == "apps.py":
            continue
        tree = ast.parse(path.read_text())
        for node in inside_functions(tree):
            for line, module in imported(node, package_of(path)):
                if module.split(".")[0] in OURS:
                    hidden.append(f"{path.relative_to(ROOT)}:{line} imports {module}")
    assert not hidden


@pytest.mark.parametrize("room", ROOMS)
def test_no_underscore_name_leaves_its_room(room):
    taken = []
    for path in sources(room):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and not node.level and node.module:
                origin = node.module.split(".")
                names = [*origin[1:], *(alias.name for alias in node.names)]
                if origin[0] in OURS and origin[0] != room and any(name.startswith("_") for name in names):
                    taken.append(f"{path.relative_to(ROOT)}:{node.lineno} takes {names} from {origin[0]}")
    assert not taken


@pytest.mark.parametrize("room", WITH_MODELS)
def test_relations_point_to_the_right(room):
    """From both ends: no field refers to a room further left, by class or by name."""
    wrong = []
    for model in apps.get_app_config(room).get_models():
        for field in model._meta.get_fields(include_hidden=True):
            other = field.related_model
            if other is None or field.auto_created or other._meta.app_label not in ROOMS:
                continue
            if other._meta.app_label not in may_import(room):
                wrong.append(f"{model.__name__}.{field.name} → {other._meta.label}")
    assert not wrong


# A reverse accessor that a room further left puts on a model must not be used by the model's own room.
@pytest.mark.parametrize("room", WITH_MODELS)
def test_no_room_reaches_back_through_a_reverse_relation(room):
    names = {
        relation.get_accessor_name()
        for model in apps.get_app_config(room).get_models()
        for relation in model._meta.related_objects
        if relation.related_model._meta.app_label in ROOMS
        and relation.related_model._meta.app_label not in may_import(room)
        and relation.get_accessor_name()
    }
    own = {field.name for model in apps.get_app_config(room).get_models() for field in model._meta.get_fields()} - names
    used = []
    for path in sources(room):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in names - own:
                used.append(f"{path.relative_to(ROOT)}:{node.lineno} uses .{node.attr}")
            elif isinstance(node, ast.keyword) and (node.arg or "").split("__")[0] in names - own:
                used.append(f"{path.relative_to(ROOT)}:{node.value.lineno} asks for {node.arg}")
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"prefetch_related", "select_related", "Count", "F", "Sum", "Exists"}
            ):
                used += [
                    f"{path.relative_to(ROOT)}:{node.lineno} names {argument.value}"
                    for argument in node.args
                    if isinstance(argument, ast.Constant) and str(argument.value).split("__")[0] in names - own
                ]
    assert not used


class TestTheReader:
    """The checks above see what they are meant to see."""

    @pytest.mark.parametrize(
        ("source", "package", "found"),
        [
            ("import invites.models", [], "invites.models"),
            ("from invites import codes", [], "invites"),
            ("from invites.codes import void", [], "invites.codes"),
            ("def f():\n    from guardian import tasks", [], "guardian"),
            ("from .client import Upstream", ["teampool", "upstream"], "teampool.upstream.client"),
            ("from ..seats import hold", ["teampool", "upstream"], "teampool.seats"),
            ("if TYPE_CHECKING:\n    import guardian", [], "guardian"),
        ],
    )
    def test_it_finds_imports(self, source, package, found):
        assert [module for _, module in imported(ast.parse(source), package)] == [found]

    @pytest.mark.parametrize("call", ["import_string('invites.tasks.sync')", "apps.get_model('invites.SeatGrant')"])
    def test_it_finds_names_that_are_imported_later(self, call):
        assert [name.split(".")[0] for _, name in called_by_name(ast.parse(call))] == ["invites"]

    def test_the_rooms_are_ordered_as_the_design_says(self):
        assert may_import("base") == {"base"}
        assert may_import("notifications") == {"notifications", "base"}
        assert may_import("teampool") == {"teampool", "notifications", "base"}
        assert "config" not in may_import("guardian")
        assert all("sandbox" not in may_import(room) for room in ROOMS)

    def test_floors_are_told_apart(self):
        assert floor_of("invites", "invites.codes.uses") < floor_of("invites", "invites.seats.moves")
        assert floor_of("invites", "teampool.models") is None
        assert floor_of("invites", "invites.nowhere") is None

    def test_a_module_is_told_from_what_it_holds(self):
        tree = ast.parse("from invites import codes\nfrom invites.models import RedeemCode")
        assert [module for _, module in modules_named(tree, [])] == ["invites.codes", "invites.models"]

    def test_there_is_something_to_read(self):
        assert all(len(sources(room)) > 3 for room in OURS if room != "base")
        assert sources("base")

"""Every bounded value takes both its ends, and refuses the next one beyond with a sentence that names the bound.

The fields are found by looking: forms, settings, commands. A new number without bounds fails here.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.core.validators import BaseValidator, MinLengthValidator, MinValueValidator
from django.forms.forms import BaseForm
from django.test import Client
from django.urls import reverse
from django.utils import translation

from base.between import Between
from config.backoffice.settings_page.sections import SECTIONS
from config.service.demo import environment
from invites.codes.order import NewCodes
from invites.models import CodeBatch
from invites.redeeming.emails import LONGEST as LONGEST_EMAIL
from invites.redeeming.emails import read_email
from invites.redeeming.errors import EmailInvalid
from invites.settings import RECLAIM_AFTER_DAYS
from notifications.settings import runtime
from notifications.settings.runtime import RuntimeSetting
from sandbox.__main__ import Between as SandboxBetween
from sandbox.__main__ import command_line as sandbox_line
from teampool.imports import payload
from tests.config.backoffice.settings_page.test_pages import filled
from tests.test_layers import ROOMS

LANGUAGES = ("en", "zh-hans")
# A text of this length that the field takes, where not any letters will do.
WRITTEN: dict[str, Any] = {"email": lambda length: "x" * (length - 12) + "@example.com"}
NUMBERS = [one for one in runtime.declared().values() if type(one.default) in (int, float)]
# The other end of a range is moved along, or the minimum would exceed the maximum.
PARTNERS = dict(runtime._IN_ORDER) | {high: low for low, high in runtime._IN_ORDER}


def classes(base: type) -> Iterator[type]:
    for one in base.__subclasses__():
        yield one
        yield from classes(one)


def our_forms() -> dict[str, type[BaseForm]]:
    """Every form of the product, in whichever module."""
    for room in ROOMS:
        for module in pkgutil.walk_packages([room], f"{room}."):
            if ".migrations" not in module.name and not module.name.endswith(("wsgi", "__main__")):
                importlib.import_module(module.name)
    ours = [one for one in classes(BaseForm) if one.__module__.partition(".")[0] in ROOMS]
    return {f"{one.__module__}.{one.__name__}": one for one in ours}


FORMS = our_forms()
FIELDS = {
    f"{form}.{name}": field for form, made in FORMS.items() for name, field in getattr(made, "base_fields", {}).items()
}


def limits(field: forms.Field) -> list[BaseValidator]:
    return [one for one in field.validators if isinstance(one, BaseValidator)]


BOUNDED = [(name, limit) for name, field in FIELDS.items() for limit in limits(field)]


def step(limit: Any) -> Any:
    return Decimal("0.001") if isinstance(limit, Decimal | float) else 1


def ends(name: str, limit: BaseValidator) -> tuple[str, str]:
    """What a person types: the last value that is good, and the next one."""
    least = isinstance(limit, MinValueValidator | MinLengthValidator)
    bound = limit.limit_value
    if "Length" in type(limit).__name__:
        write = WRITTEN.get(name.rpartition(".")[2], lambda length: "x" * length)
        return write(bound), write(bound - 1 if least else bound + 1)
    return str(bound), str(bound - step(bound) if least else bound + step(bound))


class TestForms:
    def test_the_forms_are_found(self) -> None:
        names = {name.rpartition(".")[2] for name in FORMS}
        assert names >= {"NewCodes", "TeamForm", "CapForm", "KeyForm", "AllowForm", "SectionForm"}
        assert len(BOUNDED) > 12

    def test_each_number_is_bounded_on_both_sides(self) -> None:
        numbers = [name for name, field in FIELDS.items() if isinstance(field, forms.IntegerField)]
        assert [name for name in numbers if len(limits(FIELDS[name])) != 2] == []

    @pytest.mark.parametrize(("name", "limit"), BOUNDED, ids=[f"{name}-{type(one).__name__}" for name, one in BOUNDED])
    def test_each_takes_its_end_and_names_it_beyond(self, name: str, limit: BaseValidator) -> None:
        good, beyond = ends(name, limit)
        for language in LANGUAGES:
            with translation.override(language):
                FIELDS[name].clean(good)
                with pytest.raises(ValidationError) as refused:
                    FIELDS[name].clean(beyond)
                said = " ".join(refused.value.messages)
                assert f"{limit.limit_value:,}" in said.replace("4000", "4,000"), said


@pytest.mark.django_db(transaction=True)
class TestSettings:
    """As they are set: by `config set` and on their page. `tests/notifications/settings` has their fields."""

    @pytest.mark.parametrize("setting", NUMBERS, ids=lambda one: one.key)
    def test_the_command_takes_both_ends(self, setting: RuntimeSetting[Any]) -> None:
        assert setting.low is not None
        assert setting.high is not None
        partner = PARTNERS.get(setting.key)
        for end in (setting.low, setting.high):
            both = [f"{setting.key}={end}", *([f"{partner}={end}"] if partner else [])]
            call_command("config", "set", *both, stdout=StringIO())
            assert setting.get() == end
        one_more = 0.001 if isinstance(setting.default, float) else 1
        for beyond in (setting.low - one_more, setting.high + one_more):
            with pytest.raises(CommandError, match=rf" {setting.low:,} (and|到) {setting.high:,}\b"):
                call_command("config", "set", f"{setting.key}={beyond}", stdout=StringIO())
        assert setting.get() == setting.high

    @pytest.mark.parametrize("setting", NUMBERS, ids=lambda one: one.key)
    def test_its_page_does_too(self, setting: RuntimeSetting[Any], olga_client: Client) -> None:
        pages = [section.id for section in SECTIONS.values() if setting.key in section.fields]
        assert pages or setting == RECLAIM_AFTER_DAYS
        partner = PARTNERS.get(setting.key, setting.key)
        for section in pages:
            for end in (setting.low, setting.high):
                typed = filled(olga_client, section) | dict.fromkeys((setting.key, partner), str(end))
                answer = olga_client.post(reverse("admin:settings_section", args=[section]), typed)
                assert (answer.status_code, setting.get()) == (302, end)


class TestAddresses:
    def test_the_longest_is_taken_and_none_beyond(self) -> None:
        begun = "y" * 64 + "@" + ("z" * 60 + ".") * 2
        longest = begun + "w" * (LONGEST_EMAIL - len(begun) - len(".example")) + ".example"
        assert (len(longest), read_email(longest)) == (LONGEST_EMAIL, longest)
        with pytest.raises(EmailInvalid):
            read_email(longest.replace("w.", "ww."))


class TestImportFields:
    """Of a `single` over the API."""

    @pytest.mark.parametrize("field", payload._FIELDS)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_each_takes_its_longest_and_names_it_beyond(self, field: str, language: str) -> None:
        longest = payload.LONGEST.get(field, payload.LONGEST_TOKEN)
        good, beyond = ("x" * length for length in (longest, longest + 1))
        assert payload._read_field({field: good}, field) == good
        with translation.override(language), pytest.raises(payload.NotTaken) as refused:
            payload._read_field({field: beyond}, field)
        assert (refused.value.error_code, f"{longest:,}" in refused.value.error) == ("too_long", True)


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The command lines of the product; the options of `sandbox` are read by the sandbox."""
    ours = {name: app for name, app in get_commands().items() if str(app).partition(".")[0] in ROOMS}
    found = {name: load_command_class(app, name).create_parser("manage.py", name) for name, app in ours.items()}
    demo = argparse.ArgumentParser("demo")
    environment.add_arguments(demo)
    return {**found, "make demo": demo, "python -m sandbox": sandbox_line()}


OPTIONS = [
    (name, action)
    for name, parser in parsers().items()
    for action in parser._actions
    if action.type is not None and action.dest not in ("verbosity",)
]


class TestCommands:
    def test_each_number_is_bounded(self) -> None:
        assert ("up", "port") in {(name, action.dest) for name, action in OPTIONS}
        unbounded = [
            (name, action.dest)
            for name, action in OPTIONS
            if not isinstance(action.type, Between | SandboxBetween) and action.type is not Path
        ]
        assert unbounded == []

    @pytest.mark.parametrize(("name", "action"), OPTIONS, ids=[f"{name}-{one.dest}" for name, one in OPTIONS])
    def test_each_takes_both_ends_and_names_them_beyond(self, name: str, action: argparse.Action) -> None:
        bounds: Any = action.type
        if bounds is Path:
            return
        assert (bounds(str(bounds.low)), bounds(str(bounds.high))) == (bounds.low, bounds.high)
        for beyond in (str(bounds.low - 1), str(bounds.high + 1), "x", "", "nan", "1e999", "9" * 5000):
            with pytest.raises(argparse.ArgumentTypeError, match=f"between {bounds.low:,} and {bounds.high:,}"):
                bounds(beyond)

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        ("option", "limit"),
        [(name, limit) for name, field in NewCodes.base_fields.items() for limit in limits(field)],
    )
    def test_codes_are_made_at_each_end(self, option: str, limit: BaseValidator) -> None:
        good, beyond = ends(option, limit)
        line = [f"--{option.replace('_', '-')}"]
        if option == "count":
            line = []
        for typed, is_good in ((good, True), (beyond, False)):
            if option == "count" and typed == "50000":
                continue  # `tests/invites/codes` has that many
            arguments = [typed] if option == "count" else ["1", *line, typed]
            if is_good:
                call_command("generate_codes", *arguments, stdout=StringIO())
                assert CodeBatch.objects.count() == 1
            else:
                with pytest.raises(CommandError, match=f"{limit.limit_value:,}"):
                    call_command("generate_codes", *arguments, stdout=StringIO())
        assert CodeBatch.objects.count() <= 1

    def test_the_help_of_codes_names_the_ends(self) -> None:
        said = {action.dest: action.help for action in parsers()["generate_codes"]._actions}
        for name, field in NewCodes.base_fields.items():
            for limit in limits(field):
                assert f"{limit.limit_value:,}" in str(said[name]), name

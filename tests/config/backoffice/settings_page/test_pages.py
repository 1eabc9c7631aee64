"""The pages of settings at their door: seven, each saved whole or not at all; no secret ever comes back."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from base.actors import command
from config.backoffice.settings_page.sections import SECTIONS, Section
from guardian.settings import ACTIVE_FROM, MAX_PER_SWEEP, Policy, current_policy
from invites.settings import IS_OPEN, RECLAIM_AFTER_DAYS
from notifications.channels import email, webhook
from notifications.models import AuditEvent, Setting
from notifications.settings import checks, declared, runtime
from teampool import api_keys
from teampool.models import ApiKey
from teampool.settings import DEFAULT_SEAT_CAP, FAILURES_TO_EXPIRE, WRITES_PER_TEAM

PAGE = "/admin/settings/"
HTMX = {"HX-Request": "true"}
CANARY = "canary-7d1f0c52-with-enough-signs"
ACTOR = command("tests")
SETTINGS = [one for section in SECTIONS.values() for one in section.settings]
WITH_FIELDS = [section for section in SECTIONS.values() if section.fields]
EACH_SECTION = pytest.mark.parametrize("section", WITH_FIELDS, ids=[section.id for section in WITH_FIELDS])


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


class Form(HTMLParser):
    """What a browser would send with the form `form_id`, and the page it was read from as text."""

    def __init__(self, page: str, form_id: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._wanted, self._is_inside, self._select, self._area = form_id, False, "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        at = dict(attrs)
        if tag == "form":
            self._is_inside = at.get("id") == self._wanted
        if not self._is_inside:
            return
        if tag == "input" and "name" in at and (at.get("type") != "checkbox" or "checked" in at):
            self.values[at["name"]] = at.get("value", "on" if at.get("type") == "checkbox" else "")
        elif tag == "select":
            self._select = at["name"]
        elif tag == "option" and "selected" in at:
            self.values[self._select] = at["value"]
        elif tag == "textarea":
            self._area = at["name"]
            self.values[self._area] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        elif tag == "form":
            self._is_inside = False

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data.removeprefix("\n")


def text_of(response: Any) -> str:
    return response.content.decode()


def filled(desk: Client, section: str) -> dict[str, str]:
    return Form(text_of(desk.get(f"{PAGE}{section}/")), f"form-{section}").values


def save(desk: Client, section: str, headers: dict[str, str] | None = None, **news: str) -> Any:
    """Send the section as the page shows it, but for `news` (`__` for a dot)."""
    form = filled(desk, section)
    form |= {key.replace("__", "."): value for key, value in news.items()}
    return desk.post(f"{PAGE}{section}/", form, headers=headers or {})


def put(**values: str) -> None:
    runtime.change({key.replace("__", "."): value for key, value in values.items()}, actor=ACTOR)


def errors(response: Any) -> dict[str, str]:
    """By the id of the field."""
    found = re.findall(r'id="about-([\w-]+)"><span class="sk-error">(.*?)</span>', text_of(response))
    return {name.replace("-", ".", 1): words for name, words in found}


class TestPage:
    def test_it_has_the_sections_in_their_order(self, desk: Client) -> None:
        assert list(SECTIONS) == ["public", "seats", "redeeming", "guardian", "notices", "api", "security"]
        for section in SECTIONS:
            page = text_of(desk.get(f"{PAGE}{section}/"))
            assert re.findall(r'<section class="sk-card settings" id="(\w+)"', page) == [section]
            tabs = page.split('aria-label="Sections"')[1].split("</nav>")[0]
            assert re.findall(r'href="/admin/settings/(\w+)/"', tabs) == list(SECTIONS)
            assert re.findall(r'settings/(\w+)/" aria-current="page"', tabs) == [section]

    @pytest.mark.parametrize(
        ("old", "now"), [("", "public"), ("stock/", "api"), ("bark/", "notices"), ("mail/", "notices")]
    )
    def test_an_old_address_leads_to_the_page_of_today(self, desk: Client, old: str, now: str) -> None:
        assert desk.get(f"{PAGE}{old}")["Location"] == f"{PAGE}{now}/"

    def test_a_form_of_an_old_page_stores_nothing(self, desk: Client) -> None:
        assert desk.post(f"{PAGE}stock/", {"notifications.low_stock_threshold": "3"}).status_code == 404
        assert not Setting.objects.exists()

    def test_every_setting_but_the_pause_of_removals_has_its_place(self) -> None:
        assert sorted(one.key for one in SETTINGS) == sorted(set(runtime.declared()) - {"invites.removals_paused"})

    def test_the_page_without_a_setting_says_what_is_fixed(self, desk: Client) -> None:
        page = text_of(desk.get(f"{PAGE}security/"))
        assert "5 wrong passwords lock for 30 minutes." in page
        assert 'href="/admin/axes/accessattempt/"' in page
        assert 'id="form-security"' not in page

    def test_redeeming_says_how_many_tries_there_are(self, desk: Client) -> None:
        assert settings.REDEEM_THROTTLE == "off"
        assert "Tries are not limited: " in text_of(desk.get(f"{PAGE}redeeming/"))

    def test_the_guardian_is_not_switched_by_a_field(self, desk: Client) -> None:
        changed = {key for section in SECTIONS.values() for key in section.fields}
        assert changed.isdisjoint({"guardian.enabled", "guardian.mode"})
        save(desk, "guardian", guardian__enabled="on", guardian__mode="enforce")
        assert current_policy() == Policy()
        assert "Off</span>" in re.sub(r"\s+<", "<", text_of(desk.get(f"{PAGE}guardian/")))

    @pytest.mark.parametrize(("mode", "words"), [("report", "On: report only"), ("enforce", "On: removes")])
    def test_it_says_what_the_guardian_does(self, desk: Client, mode: str, words: str) -> None:
        put(guardian__enabled="on", guardian__mode=mode)
        assert words in text_of(desk.get(f"{PAGE}guardian/"))
        assert words in text_of(save(desk, "guardian", HTMX))

    def test_it_shows_what_is_stored(self, desk: Client) -> None:
        put(teampool__default_seat_cap="7", notifications__webhook_allow_private="on")
        assert filled(desk, "seats")["teampool.default_seat_cap"] == "7"
        assert filled(desk, "api")["notifications.webhook_allow_private"] == "on"

    def test_each_way_out_leads_to_what_it_sent(self, desk: Client) -> None:
        pages = text_of(desk.get(f"{PAGE}notices/")) + text_of(desk.get(f"{PAGE}api/"))
        links = re.findall(r'href="(/admin/notifications/message/\?channel=\w+)"', pages)
        assert [link.rpartition("=")[2] for link in links] == ["bark", "email", "webhook"]
        for link in links:
            response = desk.get(link)
            assert response.status_code == 200
            assert response.context["cl"].params

    def test_numbers_are_written_without_separators(self, desk: Client) -> None:
        put(notifications__low_stock_threshold="12345")
        assert filled(desk, "api")["notifications.low_stock_threshold"] == "12345"

    def test_it_is_not_kept_by_the_browser(self, desk: Client) -> None:
        assert "no-store" in desk.get(f"{PAGE}notices/")["Cache-Control"]

    def test_its_queries_do_not_grow(self, desk: Client) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as asked:
                for section in SECTIONS:
                    desk.get(f"{PAGE}{section}/")
            return len(asked)

        count()
        before = count()
        put(notifications__smtp_host="smtp.example.com", notifications__smtp_password=CANARY)
        put(notifications__bark_url=f"https://bark.example.com/{CANARY}")
        for name in ("a", "b", "c"):
            api_keys.create(name=name, scope=api_keys.IMPORT, actor=ACTOR)
        assert count() == before


class TestWhoMay:
    def test_a_stranger_is_sent_to_the_log_in(self, client: Client, db: None) -> None:
        for path in (PAGE, f"{PAGE}seats/", f"{PAGE}api/key/"):
            assert client.get(path)["Location"].startswith("/admin/login/")
            assert client.post(path)["Location"].startswith("/admin/login/")
        assert not Setting.objects.exists()
        assert not ApiKey.objects.exists()

    def test_in_place_too_and_with_the_whole_page(self, client: Client, db: None) -> None:
        response = client.post(f"{PAGE}seats/", headers=HTMX)
        assert response["HX-Redirect"] == "/admin/login/?next=/admin/settings/seats/"

    def test_an_operator_without_the_right_may_not(self, client: Client, db: None) -> None:
        clerk = User.objects.create_user("clerk", is_staff=True)
        client.force_login(clerk)
        assert {client.get(f"{PAGE}{path}").status_code for path in ("", "api/", "stock/")} == {403}
        for path in ("seats/", "api/test/", "api/secret/", "api/key/"):
            assert client.post(f"{PAGE}{path}").status_code == 403
        clerk.user_permissions.add(Permission.objects.get(codename="change_setting"))
        assert client.get(f"{PAGE}api/").status_code == 200
        assert "API Key</h3>" not in text_of(client.get(f"{PAGE}api/"))
        assert "/admin/axes/" not in text_of(client.get(f"{PAGE}security/"))
        assert client.post(f"{PAGE}api/key/", {"key": ""}).status_code == 403

    @pytest.mark.parametrize("path", ["seats/", "api/test/", "api/secret/", "api/key/", "public/preview/"])
    def test_no_other_site_may_press_a_button(self, olga: User, path: str) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(olga)
        assert client.post(f"{PAGE}{path}", {"teampool.default_seat_cap": "9"}).status_code == 403
        assert DEFAULT_SEAT_CAP.get() == 4

    def test_looking_at_the_address_of_a_button_does_nothing(self, desk: Client) -> None:
        for path in ("api/test/", "api/secret/", "api/key/", "public/preview/"):
            section = path.split("/")[0]
            assert desk.get(f"{PAGE}{path}")["Location"] == f"{PAGE}{section}/"
        assert not Setting.objects.exists()
        assert not ApiKey.objects.exists()

    def test_what_is_not_there_is_not_found(self, desk: Client) -> None:
        for path in ("nonsense/", "seats/test/", "seats/secret/", "seats/key/", "api/preview/"):
            assert desk.post(f"{PAGE}{path}", {"make": "x"}).status_code == 404


class TestSave:
    @EACH_SECTION
    def test_as_it_stands_nothing_changes(self, desk: Client, section: Section) -> None:
        response = save(desk, section.id)
        assert (response.status_code, response["Location"]) == (302, f"{PAGE}{section.id}/")
        assert not AuditEvent.objects.exists()
        assert not Setting.objects.exists()

    @EACH_SECTION
    @pytest.mark.usefixtures("shanghai")
    def test_it_says_so_once_and_there(self, desk: Client, section: Section, time_machine: Any) -> None:
        time_machine.move_to("2026-03-02T06:05:00Z", tick=False)
        save(desk, section.id)
        assert text_of(desk.get(f"{PAGE}{section.id}/")).count("Saved 14:05") == 1
        assert "Saved 14:05" not in text_of(desk.get(f"{PAGE}{section.id}/"))

    @EACH_SECTION
    def test_in_place_only_the_section_comes_back(self, desk: Client, section: Section) -> None:
        page = text_of(save(desk, section.id, headers=HTMX))
        assert page.strip().startswith(f'<section class="sk-card settings" id="{section.id}"')
        assert "Saved " in page
        assert "<html" not in page

    def test_each_change_is_on_record(self, desk: Client) -> None:
        save(desk, "seats", teampool__default_seat_cap="6", teampool__failures_to_expire="8")
        assert (DEFAULT_SEAT_CAP.get(), FAILURES_TO_EXPIRE.get(), WRITES_PER_TEAM.get()) == (6, 8, 2)
        events = {event.object_id: event for event in AuditEvent.objects.all()}
        assert set(events) == {"teampool.default_seat_cap", "teampool.failures_to_expire"}
        assert {event.actor for event in events.values()} == {"olga"}
        assert events["teampool.default_seat_cap"].details == {"before": 4, "after": 6}

    def test_all_of_it_or_nothing(self, desk: Client) -> None:
        response = save(desk, "seats", teampool__default_seat_cap="6", teampool__failures_to_expire="51")
        assert response.status_code == 400
        assert errors(response) == {"teampool.failures_to_expire": "Between 1 and 50."}
        assert DEFAULT_SEAT_CAP.get() == 4
        assert not AuditEvent.objects.exists()

    def test_what_was_typed_stays(self, desk: Client) -> None:
        response = save(desk, "seats", teampool__default_seat_cap="6", teampool__failures_to_expire="many")
        form = Form(text_of(response), "form-seats").values
        assert (form["teampool.default_seat_cap"], form["teampool.failures_to_expire"]) == ("6", "many")
        assert 'value="many"' in text_of(response)
        assert text_of(response).count("autofocus") == 1

    def test_every_error_at_once(self, desk: Client) -> None:
        response = save(desk, "seats", HTMX, teampool__default_seat_cap="9" * 400, teampool__failures_to_expire="1.5")
        assert errors(response) == {
            "teampool.default_seat_cap": "Between 1 and 1,000.",
            "teampool.failures_to_expire": "Write a whole number.",
        }

    # One of each page that has any: all of them stand in tests/notifications/settings/test_runtime.py.
    @pytest.mark.parametrize(
        ("section", "setting"),
        [
            ("public", declared.MAIL_SUCCESS_SUBJECT_EN),
            ("seats", DEFAULT_SEAT_CAP),
            ("redeeming", RECLAIM_AFTER_DAYS),
            ("guardian", MAX_PER_SWEEP),
            ("notices", email.PORT),
            ("api", declared.LOW_STOCK_THRESHOLD),
        ],
    )
    def test_a_bound_holds_and_takes_its_own_ends(
        self, desk: Client, section: str, setting: runtime.RuntimeSetting[Any]
    ) -> None:
        form = filled(desk, section)
        if setting.low is None or setting.high is None:
            inside, outside = ["x" * checks.MOST_SUBJECT], ["x" * (checks.MOST_SUBJECT + 1)]
        else:
            inside = [str(setting.low), str(setting.high)]
            outside = [str(int(setting.low) - 1), str(int(setting.high) + 1)]
        for text in outside:
            response = desk.post(f"{PAGE}{section}/", form | {setting.key: text}, headers=HTMX)
            assert list(errors(response)) == [setting.key]
        assert not Setting.objects.exists()
        for text in inside:
            assert desk.post(f"{PAGE}{section}/", form | {setting.key: text}).status_code == 302
            assert str(setting.get()) == text

    def test_a_switch_goes_on_and_off(self, desk: Client) -> None:
        form = filled(desk, "notices")
        del form["notifications.tell_low_stock"]
        desk.post(f"{PAGE}notices/", form)
        assert declared.TELL["low_stock"].get() is False
        assert declared.TELL["token_expired"].get() is True
        save(desk, "notices", notifications__tell_low_stock="on")
        assert declared.TELL["low_stock"].get() is True

    def test_a_choice_that_is_not_offered_is_refused(self, desk: Client) -> None:
        response = save(desk, "notices", notifications__smtp_security="none")
        assert "notifications.smtp_security" in errors(response)

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("http://receiver.example.com/x", "An https address is needed."),
            ("https://127.0.0.1/x", "Private addresses are not allowed."),
            ("https://[::1]/x", "Private addresses are not allowed."),
            ("https://10.1.2.3/x", "Private addresses are not allowed."),
            ("receiver", "Write a whole address. Example: https://example.com/path"),
        ],
    )
    def test_where_notices_go_must_be_outside_and_encrypted(self, desk: Client, url: str, words: str) -> None:
        response = save(desk, "api", notifications__webhook_url=url)
        assert errors(response) == {"notifications.webhook_url": words}
        assert not Setting.objects.exists()

    def test_private_addresses_when_the_operator_allows_them(self, desk: Client) -> None:
        news = {"notifications__webhook_url": "http://127.0.0.1:9/x"}
        assert save(desk, "api", **news, notifications__webhook_allow_private="on").status_code == 302
        form = filled(desk, "api")
        del form["notifications.webhook_allow_private"]
        response = desk.post(f"{PAGE}api/", form)
        assert errors(response) == {"notifications.webhook_url": "An https address is needed."}

    def test_a_text_of_many_lines_is_what_it_was(self, desk: Client) -> None:
        save(desk, "public", notifications__mail_success_body_en="One\r\nTwo {email}\r\n")
        assert declared.MAIL_SUCCESS_BODY_EN.get() == "One\nTwo {email}"
        assert filled(desk, "public")["notifications.mail_success_body_en"] == "One\nTwo {email}"

    def test_a_text_that_is_emptied_is_the_first_one_again(self, desk: Client) -> None:
        put(notifications__mail_success_subject_en="Hello", guardian__active_from="10:00")
        save(desk, "public", notifications__mail_success_subject_en="")
        save(desk, "guardian", guardian__active_from="")
        assert declared.MAIL_SUCCESS_SUBJECT_EN.get() == "Your ChatGPT Team invitation"
        assert ACTIVE_FROM.get() == "09:00"

    def test_an_unknown_placeholder_is_refused_where_it_stands(self, desk: Client) -> None:
        response = save(desk, "public", notifications__mail_success_body_zh="{email.__class__}")
        assert "notifications.mail_success_body_zh" in errors(response)
        assert '<details class="settings-folded" open>' in text_of(response)

    def test_what_nobody_touched_is_not_looked_at_again(self, desk: Client) -> None:
        runtime.change({FAILURES_TO_EXPIRE.key: "99"}, actor=ACTOR, force=True)
        assert save(desk, "seats", teampool__default_seat_cap="6").status_code == 302
        assert (DEFAULT_SEAT_CAP.get(), FAILURES_TO_EXPIRE.get()) == (6, 99)

    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "in place"])
    def test_what_another_operator_saved_meanwhile_is_not_undone(self, desk: Client, headers: dict[str, str]) -> None:
        form = filled(desk, "seats")
        put(teampool__default_seat_cap="7")
        form |= {"teampool.failures_to_expire": "many"}
        response = desk.post(f"{PAGE}seats/", form, headers=headers)
        form = Form(text_of(response), "form-seats").values | {"teampool.failures_to_expire": "8"}
        desk.post(f"{PAGE}seats/", form, headers=headers)
        assert (DEFAULT_SEAT_CAP.get(), FAILURES_TO_EXPIRE.get()) == (7, 8)
        assert filled(desk, "seats")["teampool.default_seat_cap"] == "7"

    def test_what_it_must_stand_beside_changed_meanwhile(self, desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        """Judged and found good; then another operator's change is stored first."""
        form = filled(desk, "guardian") | {"guardian.interval_min_seconds": "110"}
        found = runtime.store

        def store(values: Any, **more: Any) -> None:
            monkeypatch.setattr(runtime, "store", found)
            put(guardian__interval_max_seconds="100")
            runtime.store(values, **more)

        monkeypatch.setattr(runtime, "store", store)
        response = desk.post(f"{PAGE}guardian/", form)
        assert errors(response) == {"guardian.interval_min_seconds": "The minimum cannot exceed the maximum."}
        assert current_policy().interval == (90, 100)

    def test_redeeming_is_paused_and_invitations_reclaimed(self, desk: Client) -> None:
        form = filled(desk, "redeeming")
        del form["invites.is_open"]
        desk.post(f"{PAGE}redeeming/", form | {"invites.reclaim_after_days": "14"})
        assert (IS_OPEN.get(), RECLAIM_AFTER_DAYS.get()) == (False, 14)
        assert "Redemptions are paused" in text_of(desk.get("/", headers={"Accept-Language": "en"}))


class TestOrder:
    @pytest.mark.parametrize("pair", ["pause", "interval"])
    def test_the_minimum_may_not_exceed_the_maximum(self, desk: Client, pair: str) -> None:
        low, high = f"guardian.{pair}_min_seconds", f"guardian.{pair}_max_seconds"
        form = filled(desk, "guardian")
        for news in ({low: str(float(form[high]) + 1).removesuffix(".0")}, {high: "0.1" if pair == "pause" else "60"}):
            response = desk.post(f"{PAGE}guardian/", form | news)
            assert errors(response) == {next(iter(news)): "The minimum cannot exceed the maximum."}
            kept = Form(text_of(response), "form-guardian").values
            assert {key: kept[key] for key in form if "." in key} == {
                key: (form | news)[key] for key in form if "." in key
            }
        assert not Setting.objects.exists()

    def test_it_is_said_beside_what_else_is_wrong(self, desk: Client) -> None:
        disorder = {"guardian__interval_min_seconds": "600", "guardian__interval_max_seconds": "300"}
        response = save(desk, "guardian", guardian__threads="many", **disorder)
        assert errors(response) == {
            "guardian.threads": "Write a whole number.",
            "guardian.interval_min_seconds": "The minimum cannot exceed the maximum.",
        }

    def test_not_of_a_pair_one_half_of_which_cannot_be_read(self, desk: Client) -> None:
        values = {"guardian__interval_min_seconds": "600", "guardian__interval_max_seconds": "many"}
        assert errors(save(desk, "guardian", **values)) == {"guardian.interval_max_seconds": "Write a whole number."}

    def test_both_at_once_may_move_past_each_other(self, desk: Client) -> None:
        news = {"guardian__interval_min_seconds": "300", "guardian__interval_max_seconds": "600"}
        assert save(desk, "guardian", **news).status_code == 302
        assert current_policy().interval == (300, 600)

    @pytest.mark.parametrize("text", ["25:00", "9", "soon"])
    def test_hours_are_times_of_day(self, desk: Client, text: str) -> None:
        response = save(desk, "guardian", guardian__active_from=text)
        assert list(errors(response)) == ["guardian.active_from"]

    def test_hours_may_cross_midnight_or_be_the_same(self, desk: Client) -> None:
        assert save(desk, "guardian", guardian__active_from="22:00", guardian__active_until="06:00").status_code == 302
        assert save(desk, "guardian", guardian__active_from="06:00").status_code == 302
        assert current_policy().active_from == current_policy().active_until


class TestAskingTwice:
    LOW, HIGH = "guardian.interval_min_seconds", "guardian.interval_max_seconds"

    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "in place"])
    def test_a_short_interval_is_refused_first_and_taken_when_confirmed(
        self, desk: Client, headers: dict[str, str]
    ) -> None:
        form = filled(desk, "guardian") | {self.LOW: "10"}
        response = desk.post(f"{PAGE}guardian/", form, headers=headers)
        assert errors(response) == {self.LOW: "Between 30 and 3,600."}
        assert f'name="confirmed:{self.LOW}"' in text_of(response)
        assert not Setting.objects.exists()
        response = desk.post(f"{PAGE}guardian/", form | {f"confirmed:{self.LOW}": "on"}, headers=headers)
        assert not errors(response)
        assert current_policy().interval == (10, 120)

    def test_it_is_not_offered_before(self, desk: Client) -> None:
        assert "confirmed:" not in text_of(desk.get(f"{PAGE}guardian/"))

    def test_the_confirmation_is_for_that_field_alone(self, desk: Client) -> None:
        form = filled(desk, "guardian") | {self.LOW: "10", f"confirmed:{self.LOW}": "on"}
        for key, text in (("guardian.threads", "17"), ("guardian.max_removals_per_sweep", "101")):
            response = desk.post(f"{PAGE}guardian/", form | {key: text, f"confirmed:{key}": "on"})
            assert list(errors(response)) == [key]
        assert not Setting.objects.exists()

    @pytest.mark.parametrize("text", ["0", "-5", "3601", "ten"])
    def test_nobody_can_insist_on_nonsense(self, desk: Client, text: str) -> None:
        form = filled(desk, "guardian") | {self.LOW: text, f"confirmed:{self.LOW}": "on"}
        response = desk.post(f"{PAGE}guardian/", form)
        assert list(errors(response)) == [self.LOW]
        assert "confirmed:" not in text_of(response)

    def test_once_taken_it_stands_in_nobodys_way(self, desk: Client) -> None:
        runtime.change({self.LOW: "10"}, actor=ACTOR, force=True)
        assert save(desk, "guardian", guardian__threads="4").status_code == 302
        assert (current_policy().interval[0], current_policy().threads) == (10, 4)

    def test_confirmed_or_not_the_order_holds(self, desk: Client) -> None:
        form = filled(desk, "guardian") | {self.HIGH: "20", f"confirmed:{self.HIGH}": "on"}
        response = desk.post(f"{PAGE}guardian/", form)
        assert errors(response) == {self.HIGH: "The minimum cannot exceed the maximum."}


class TestSecrets:
    SECRETS = (
        ("api", "notifications.webhook_secret", CANARY),
        ("notices", "notifications.bark_url", f"https://bark.example.com/{CANARY}"),
        ("notices", "notifications.smtp_password", CANARY),
    )
    EACH = pytest.mark.parametrize(("section", "key", "secret"), SECRETS)

    def test_these_are_all(self) -> None:
        assert {key for _section, key, _secret in self.SECRETS} == {one.key for one in SETTINGS if one.is_secret}

    @EACH
    def test_it_is_stored_and_never_comes_back(self, desk: Client, section: str, key: str, secret: str) -> None:
        response = desk.post(f"{PAGE}{section}/", filled(desk, section) | {key: secret}, headers=HTMX)
        assert runtime.find(key).get() == secret
        page = text_of(desk.get(f"{PAGE}{section}/"))
        assert CANARY not in page + text_of(response)
        assert CANARY not in str(list(AuditEvent.objects.values()))
        block = page.split(f'id="row-{key.replace(".", "-")}"')[1].split('id="row-')[0]
        assert re.findall(r"<span>(Set)</span>|>(Replace)<|>(Clear)<", block) == [
            ("Set", "", ""),
            ("", "Replace", ""),
            ("", "", "Clear"),
        ]

    @EACH
    def test_nor_after_an_error(self, desk: Client, section: str, key: str, secret: str) -> None:
        wrong = {
            "api": {"notifications.low_stock_threshold": "-1"},
            "notices": {"notifications.bark_level": "loud"},
        }[section]
        for headers in ({}, HTMX):
            response = desk.post(f"{PAGE}{section}/", filled(desk, section) | {key: secret} | wrong, headers=headers)
            assert errors(response)
            assert CANARY not in text_of(response)
            assert "Type it again: a secret is never sent back to the page." in text_of(response)
        assert not runtime.find(key).get()

    @pytest.mark.parametrize(("section", "key"), [row[:2] for row in SECRETS if "password" not in row[1]])
    def test_nor_when_it_is_itself_wrong(self, desk: Client, section: str, key: str) -> None:
        response = desk.post(f"{PAGE}{section}/", filled(desk, section) | {key: f"\x01{CANARY}"})
        assert list(errors(response)) == [key]
        assert CANARY not in text_of(response)

    @EACH
    def test_left_empty_it_stays(self, desk: Client, section: str, key: str, secret: str) -> None:
        runtime.change({key: secret}, actor=ACTOR)
        assert save(desk, section).status_code == 302
        assert runtime.find(key).get() == secret

    @EACH
    def test_it_is_cleared(self, desk: Client, section: str, key: str, secret: str) -> None:
        runtime.change({key: secret}, actor=ACTOR)
        response = desk.post(f"{PAGE}{section}/secret/", {"clear": key})
        assert runtime.find(key).get() == ""
        assert CANARY not in text_of(response)
        event = AuditEvent.objects.latest("pk")
        assert (event.object_id, event.details) == (key, {"before": "•••", "after": ""})

    def test_clearing_keeps_what_else_was_typed(self, desk: Client) -> None:
        put(notifications__smtp_password=CANARY)
        form = filled(desk, "notices") | {"notifications.smtp_host": "smtp.example.com"}
        response = desk.post(f"{PAGE}notices/secret/", form | {"clear": "notifications.smtp_password"})
        assert Form(text_of(response), "form-notices").values["notifications.smtp_host"] == "smtp.example.com"
        assert not email.HOST.get()

    def test_only_secrets_are_cleared_and_only_there(self, desk: Client) -> None:
        put(notifications__smtp_password=CANARY)
        for section, key in (("notices", "notifications.smtp_host"), ("api", "notifications.smtp_password")):
            assert desk.post(f"{PAGE}{section}/secret/", {"clear": key}).status_code == 404
        assert email.PASSWORD.get() == CANARY

    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "in place"])
    def test_one_is_made_and_shown_once(self, desk: Client, headers: dict[str, str]) -> None:
        response = desk.post(f"{PAGE}api/secret/", {"make": "notifications.webhook_secret"}, headers=headers)
        (made,) = re.findall(r'readonly value="(whsec_[A-Za-z0-9+/=]{40,})"', text_of(response))
        assert webhook.SECRET.get() == made
        assert "no-store" in response["Cache-Control"]
        assert made not in text_of(desk.get(f"{PAGE}api/"))
        assert made not in str(list(AuditEvent.objects.values()))

    def test_no_two_are_alike(self, desk: Client) -> None:
        made = set()
        for _n in range(3):
            desk.post(f"{PAGE}api/secret/", {"make": "notifications.webhook_secret"})
            made.add(webhook.SECRET.get())
        assert len(made) == 3

    def test_a_password_is_not_made(self, desk: Client) -> None:
        assert desk.post(f"{PAGE}notices/secret/", {"make": "notifications.smtp_password"}).status_code == 404

    def test_no_browser_fills_one_in(self, desk: Client) -> None:
        page = text_of(desk.get(f"{PAGE}notices/")) + text_of(desk.get(f"{PAGE}api/"))
        for tag in re.findall(r"<input[^>]*>", page):
            if any(f'name="{key}"' in tag for _section, key, _secret in self.SECRETS):
                assert re.search(r'autocomplete="(off|new-password)"', tag)
        assert 'name="notifications.smtp_password"' in page


class TestKey:
    def shown(self, response: Any) -> list[str]:
        return re.findall(r'readonly value="(sk_[^"]+)"', text_of(response))

    def state(self, desk: Client) -> str:
        (found,) = re.findall(r'name="key" value="([^"]*)"', text_of(desk.get(f"{PAGE}api/")))
        return found

    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "in place"])
    def test_it_is_made_shown_once_and_opens_the_import(self, desk: Client, headers: dict[str, str]) -> None:
        assert self.state(desk) == ""
        response = desk.post(f"{PAGE}api/key/", {"key": ""}, headers=headers)
        (plain,) = self.shown(response)
        assert api_keys.check(plain, api_keys.IMPORT) == ApiKey.objects.get()
        assert "no-store" in response["Cache-Control"]
        for page in (f"{PAGE}api/", "/admin/teampool/apikey/", "/admin/notifications/auditevent/"):
            assert plain not in text_of(desk.get(page))

    def test_replaced_the_old_one_stops_at_once(self, desk: Client) -> None:
        (old,) = self.shown(desk.post(f"{PAGE}api/key/", {"key": ""}))
        (new,) = self.shown(desk.post(f"{PAGE}api/key/", {"key": self.state(desk)}))
        assert api_keys.check(old, api_keys.IMPORT) is None
        body = {"import_type": "batch", "content": ""}
        for key, status in ((old, 401), (new, 400)):
            answer = Client().post(
                "/admin/teams/import", body, content_type="application/json", headers={"X-API-Key": key}
            )
            assert answer.status_code == status
        assert ApiKey.objects.count() == 1
        assert [event.action for event in AuditEvent.objects.order_by("pk")] == ["api_key_created", "api_key_replaced"]

    def test_an_old_page_replaces_nothing(self, desk: Client) -> None:
        desk.post(f"{PAGE}api/key/", {"key": ""})
        stale = self.state(desk)
        (plain,) = self.shown(desk.post(f"{PAGE}api/key/", {"key": stale}))
        for shown in (stale, "", "999:sk_xxxxx", "nonsense"):
            response = desk.post(f"{PAGE}api/key/", {"key": shown})
            assert not self.shown(response)
            assert "The key was changed meanwhile" in text_of(response)
        assert api_keys.check(plain, api_keys.IMPORT) is not None

    def test_after_a_revoked_one_there_is_a_new_one(self, desk: Client) -> None:
        desk.post(f"{PAGE}api/key/", {"key": ""})
        api_keys.revoke(key_id=ApiKey.objects.get().pk, actor=ACTOR)
        assert self.state(desk) == ""
        assert self.shown(desk.post(f"{PAGE}api/key/", {"key": ""}))
        assert list(api_keys.valid(api_keys.IMPORT).values_list("name", flat=True)) == ["import 2"]

    def test_it_says_when_it_was_last_used(self, desk: Client) -> None:
        (plain,) = self.shown(desk.post(f"{PAGE}api/key/", {"key": ""}))
        assert "Not used yet" in text_of(desk.get(f"{PAGE}api/"))
        api_keys.check(plain, api_keys.IMPORT)
        block = text_of(desk.get(f"{PAGE}api/")).split('id="api-key"')[1]
        assert "Last used <time" in block

    def test_what_else_was_typed_stays(self, desk: Client) -> None:
        form = filled(desk, "api") | {"notifications.low_stock_threshold": "33", "key": ""}
        response = desk.post(f"{PAGE}api/key/", form)
        assert Form(text_of(response), "form-api").values["notifications.low_stock_threshold"] == "33"


class TestPresets:
    @pytest.mark.parametrize(
        ("name", "expected"), [("qq", ("smtp.qq.com", "465", "ssl")), ("gmail", ("smtp.gmail.com", "587", "starttls"))]
    )
    def test_it_fills_in_and_saves_nothing(self, desk: Client, name: str, expected: tuple[str, ...]) -> None:
        form = Form(text_of(desk.get(f"{PAGE}notices/?preset={name}")), "form-notices").values
        found = tuple(form[f"notifications.smtp_{part}"] for part in ("host", "port", "security"))
        assert found == expected
        assert not Setting.objects.exists()
        desk.post(f"{PAGE}notices/", form)
        assert (email.HOST.get(), email.PORT.get()) == (expected[0], int(expected[1]))

    def test_an_unknown_one_changes_nothing(self, desk: Client) -> None:
        assert desk.get(f"{PAGE}notices/?preset=nonsense").status_code == 200


class TestPreview:
    def test_it_shows_what_is_typed_filled_in(self, desk: Client) -> None:
        typed = {"notifications.mail_success_body_en": "Hello {email}\n<b>{status_url}</b>"}
        response = desk.post(f"{PAGE}public/preview/", filled(desk, "public") | typed, headers=HTMX)
        page = text_of(response)
        assert "Hello name@example.com" in page
        assert "&lt;b&gt;https://seats.example.com/r/" in page
        assert "你的 ChatGPT Team 邀请" in page
        assert not Setting.objects.exists()

    def test_it_says_why_there_is_none(self, desk: Client) -> None:
        typed = {"notifications.mail_success_body_en": "{code}"}
        page = text_of(desk.post(f"{PAGE}public/preview/", filled(desk, "public") | typed))
        assert "Unknown placeholder {code}." in page
        assert Form(page, "form-public").values["notifications.mail_success_body_en"] == "{code}"

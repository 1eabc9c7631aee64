from __future__ import annotations

import gzip
import random
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone

from base.actors import UNREADABLE_PROXY, Actor
from invites.models import RedeemAttempt, RedeemCode, Redemption, SeatGrant
from invites.states import GrantState, RedemptionState
from notifications import announcement
from tests.cast import ANA, SAM, a_code, a_team
from tests.invites.rows import a_member, a_redemption, a_seated

pytestmark = pytest.mark.django_db
CODE = "7K2M9QXDVH4TB8NC"
ZH, EN = "zh-hans", "en"


@pytest.fixture
def submit(client):
    """Fill the form in and send it, in `language`."""

    def submit(email: str = ANA, code: str = CODE, language: str = ZH, **extra: object):
        client.cookies["django_language"] = language
        return client.post("/", {"email": email, "code": code}, **extra)

    return submit


def page(answer) -> str:
    return answer.content.decode()


class TestForm:
    @pytest.mark.parametrize(
        ("language", "words"),
        [
            (
                ZH,
                [
                    "<title>加入 ChatGPT Team · 席位管家</title>",
                    "<h1>加入 ChatGPT Team</h1>",
                    "填写邮箱和邀请码，邀请邮件会发到这个邮箱。",
                    ">邮箱</label>",
                    "请填你登录 ChatGPT 用的邮箱，提交后不能改。",
                    ">邀请码</label>",
                    "大小写、空格和短横线都可以。",
                    'data-busy="正在提交…">提交</button>',
                    "已经提交过？用同样的邮箱和邀请码再提交一次，就能看到进度。",
                ],
            ),
            (
                EN,
                [
                    "<title>Join ChatGPT Team · Seatkeeper</title>",
                    "<h1>Join ChatGPT Team</h1>",
                    "Enter your e-mail and code. The invitation goes to that address.",
                    ">E-mail</label>",
                    "Use the one you sign in to ChatGPT with. It cannot be changed later.",
                    ">Code</label>",
                    "Capitals, spaces and dashes do not matter.",
                    'data-busy="Submitting…">Submit</button>',
                    "Already submitted? Submit the same e-mail and code again to see how it stands.",
                ],
            ),
        ],
    )
    def test_it_asks_one_question(self, client, language, words):
        client.cookies["django_language"] = language
        shown = page(client.get("/"))
        for sentence in words:
            assert sentence in shown

    def test_its_fields_help_a_phone(self, client):
        shown = page(client.get("/"))
        assert 'type="email" autocomplete="email"' in shown
        assert 'autocomplete="off" autocapitalize="characters" spellcheck="false"' in shown
        assert " novalidate>" in shown
        assert "maxlength" not in shown
        assert "placeholder" not in shown
        assert "autofocus" not in shown

    def test_it_asks_the_database_only_whether_it_is_open_and_what_is_announced(
        self, client, django_assert_num_queries
    ):
        with django_assert_num_queries(2):
            client.get("/")

    def test_it_is_not_kept(self, client):
        assert "no-store" in client.get("/")["Cache-Control"]

    @pytest.mark.parametrize("method", ["put", "delete", "patch"])
    def test_other_methods_are_refused(self, client, method):
        assert getattr(client, method)("/").status_code == 405


class TestSubmit:
    def test_a_good_pair_leads_to_its_page(self, submit):
        a_team()
        a_code(CODE)
        answer = submit()
        redemption = Redemption.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, f"/r/{redemption.public_id}/")
        assert (redemption.email, redemption.state, redemption.language) == (ANA, RedemptionState.OPEN, ZH)

    def test_it_remembers_the_language_for_the_mail(self, submit):
        a_team()
        a_code(CODE)
        submit(language=EN)
        assert Redemption.objects.get().language == EN

    @pytest.mark.parametrize(
        "typed",
        ["7k2m 9qxd vh4t b8nc", "7K2M-9QXD-VH4T-B8NC", " 7k2m9qxdvh4tb8nc\n", "７Ｋ２Ｍ９ＱＸＤＶＨ４ＴＢ８ＮＣ"],
    )
    def test_a_code_is_the_same_however_it_is_typed(self, submit, typed):
        a_team()
        a_code(CODE)
        assert submit(code=typed).status_code == 302

    def test_an_email_is_the_same_however_it_is_typed(self, submit):
        a_team()
        a_code(CODE)
        submit(email=f" {ANA.upper()} ")
        assert Redemption.objects.get().email == ANA

    def test_the_same_pair_leads_to_the_same_page(self, submit):
        a_team()
        a_code(CODE)
        assert submit()["Location"] == submit()["Location"]
        assert RedeemCode.objects.get().uses_held == 1

    def test_an_email_with_a_seat_gets_its_page_and_keeps_the_code(self, submit, client):
        a_seated(GrantState.JOINED)
        a_code(CODE)
        a_team()
        shown = page(client.get(submit()["Location"]))
        assert "你已加入 Team" in shown
        assert "这次提交的邀请码没有被使用" in shown
        assert submit(email=SAM).status_code == 302

    def test_after_a_refusal_it_starts_anew(self, submit):
        a_team()
        code = a_code(CODE)
        refused = a_redemption(code=code, state=RedemptionState.REFUSED, refusal="email_refused")
        assert refused.public_id not in submit()["Location"]

    def test_a_post_without_a_token_says_so(self):
        answer = Client(enforce_csrf_checks=True).post("/", {"email": ANA, "code": CODE})
        assert answer.status_code == 403
        assert "页面停留太久，或浏览器禁用了 Cookie。请返回重新提交，邀请码没有被使用。" in page(answer)
        english = Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"}).post("/", {})
        assert "This page was open too long, or cookies are off. Go back and submit again; no code was used." in page(
            english
        )

    def test_an_operators_form_says_so_in_the_operators_words(self):
        path = "/admin/login/?next=/admin/import/"
        answer = Client(enforce_csrf_checks=True).post(path, {})
        assert answer.status_code == 403
        assert "页面停留太久，没有保存任何内容。" in page(answer)
        assert f'href="{path}"' in page(answer)
        assert "邀请码" not in page(answer)
        english = Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"}).post(path, {})
        assert "This page was open too long; nothing was saved." in page(english)

    def test_it_leaves_the_address_it_came_from(self, submit):
        a_team()
        a_code(CODE)
        submit(REMOTE_ADDR="192.0.2.7")
        assert Redemption.objects.get().ip == "192.0.2.7"

    def test_what_is_no_address_counts_as_whoever_is_connected(self, submit, settings):
        settings.TRUSTED_PROXY_COUNT = 1
        a_team()
        a_code(CODE)
        assert submit(HTTP_X_FORWARDED_FOR="x" * 500, REMOTE_ADDR="192.0.2.7").status_code == 302
        cache.delete(UNREADABLE_PROXY)
        assert Redemption.objects.get().ip == "192.0.2.7"


def field_error(shown: str, name: str) -> str:
    """The message at a field, tied to it; empty when there is none."""
    mark = f'id="{name}-error">'
    return shown.split(mark)[1].split("</p>")[0] if mark in shown else ""


def is_focused(shown: str, name: str) -> bool:
    return " autofocus" in shown.split(f'<input id="{name}"')[1].split(">")[0]


class TestErrors:
    @pytest.mark.parametrize(
        ("language", "email", "code", "title"),
        [
            (ZH, "请填写邮箱。", "请填写邀请码。", "出错 · 席位管家"),
            (EN, "Enter your e-mail.", "Enter your code.", "Error · Seatkeeper"),
        ],
    )
    def test_both_empty(self, submit, language, email, code, title):
        answer = submit("", " ", language)
        shown = page(answer)
        assert answer.status_code == 422
        assert (field_error(shown, "email"), field_error(shown, "code")) == (email, code)
        assert (is_focused(shown, "email"), is_focused(shown, "code")) == (True, False)
        assert f"<title>{title}</title>" in shown

    def test_with_one_filled_its_value_is_kept(self, submit):
        shown = page(submit(ANA, ""))
        assert f'value="{ANA}"' in shown
        assert field_error(shown, "email") == ""
        assert is_focused(shown, "code")
        shown = page(submit("", CODE))
        assert f'value="{CODE}"' in shown
        assert field_error(shown, "code") == ""
        assert is_focused(shown, "email")

    def test_a_missing_field_is_an_empty_one(self, client):
        assert field_error(page(client.post("/", {})), "email") == "请填写邮箱。"

    @pytest.mark.parametrize(
        ("language", "sentence"),
        [
            (ZH, "这个邮箱地址不完整。例：name@example.com"),
            (EN, "This e-mail address is not complete. Example: name@example.com"),
        ],
    )
    def test_email_invalid(self, submit, language, sentence):
        answer = submit("ana@", CODE, language)
        shown = page(answer)
        assert answer.status_code == 422
        assert field_error(shown, "email") == sentence
        assert 'value="ana@"' in shown
        assert f'value="{CODE}"' in shown
        assert 'aria-describedby="email-hint email-error" aria-invalid="true" autofocus' in shown

    @pytest.mark.parametrize(
        ("make", "language", "sentence"),
        [
            (lambda: None, ZH, "没有这个邀请码。请对照原文检查，或向给你邀请码的人确认。"),
            (
                lambda: None,
                EN,
                "No such code. Check it against the original, or ask the person who gave it to you.",
            ),
            (
                lambda: a_redemption(SAM, code=a_code(CODE, uses_held=1)),
                ZH,
                "这个邀请码已经用过。如果是你用的，请填当时的邮箱。",
            ),
            (
                lambda: a_redemption(SAM, code=a_code(CODE, uses_held=1)),
                EN,
                "This code has been used. If it was you, enter the e-mail you used then.",
            ),
            (
                lambda: a_code(CODE, redeem_until=timezone.now() - timedelta(days=1)),
                ZH,
                "这个邀请码已过期，请向给你邀请码的人换一个。",
            ),
            (
                lambda: a_code(CODE, redeem_until=timezone.now() - timedelta(days=1)),
                EN,
                "This code has expired. Ask the person who gave it to you for a new one.",
            ),
            (lambda: a_code(CODE, voided_at=timezone.now()), ZH, "这个邀请码已作废，请向给你邀请码的人换一个。"),
            (
                lambda: a_code(CODE, voided_at=timezone.now()),
                EN,
                "This code has been cancelled. Ask the person who gave it to you for a new one.",
            ),
        ],
        ids=["unknown-zh", "unknown-en", "used-zh", "used-en", "expired-zh", "expired-en", "void-zh", "void-en"],
    )
    def test_a_bad_code(self, submit, make, language, sentence):
        make()
        answer = submit(language=language)
        shown = page(answer)
        assert answer.status_code == 422
        assert field_error(shown, "code") == sentence
        assert field_error(shown, "email") == ""
        assert 'aria-describedby="code-hint code-error" aria-invalid="true" autofocus' in shown
        assert f'value="{ANA}"' in shown
        assert f'value="{CODE}"' in shown
        assert shown.count(sentence) == 1
        assert 'role="alert"' not in shown

    def test_a_used_code_tells_nothing_of_who_used_it(self, submit):
        earlier = a_redemption(SAM, code=a_code(CODE, uses_held=1))
        shown = page(submit())
        for secret in (SAM, "sam@", earlier.public_id, earlier.reference):
            assert secret not in shown

    @pytest.mark.parametrize(
        ("language", "sentence"),
        [
            (ZH, "现在没有空席位。你的邀请码没有被使用，请晚些时候再提交。"),
            (EN, "No seat is free right now. Your code has not been used; please submit it again later."),
        ],
    )
    def test_no_seat(self, submit, language, sentence):
        a_team(seats=1, held=1)
        a_code(CODE)
        answer = submit(language=language)
        shown = page(answer)
        assert answer.status_code == 409
        assert f'<p class="bad" role="alert">{sentence}</p>' in shown
        assert "aria-invalid" not in shown
        assert f'value="{ANA}"' in shown
        assert f'value="{CODE}"' in shown

    @pytest.mark.parametrize(
        ("language", "sentence"),
        [
            (ZH, "这个邮箱已在 Team 里，但用的是另一种席位。邀请码没有被使用，请联系给你邀请码的人。"),
            (
                EN,
                "This e-mail is in a Team already, in a seat of another kind. Your code has not been used; contact the "
                "person who gave it to you.",
            ),
        ],
    )
    def test_a_seat_of_another_kind(self, submit, language, sentence):
        a_member(a_team(), ANA, seat_type="usage_based")
        code = a_code(CODE)
        answer = submit(language=language)
        assert answer.status_code == 409
        assert field_error(page(answer), "email") == sentence
        code.refresh_from_db()
        assert code.uses_held == 0

    def test_no_seat_now_and_the_code_works_later(self, submit):
        a_code(CODE)
        assert submit().status_code == 409
        a_team()
        assert submit().status_code == 302

    def test_nothing_about_an_email_is_said_without_a_good_code(self, submit):
        a_seated(GrantState.JOINED)
        seated, unseated = page(submit(ANA)), page(submit(SAM))
        assert without_tokens(seated.replace(ANA, SAM)) == without_tokens(unseated)


def without_tokens(shown: str) -> list[str]:
    return [line for line in shown.split("\n") if "csrfmiddlewaretoken" not in line]


class TestThrottled:
    @pytest.fixture(autouse=True)
    def _limit(self, settings):
        settings.REDEEM_THROTTLE = "10/m"

    @pytest.mark.parametrize(
        ("language", "sentence"),
        [
            (ZH, "尝试太多次，请 1 分钟后再试。这次没有使用邀请码。"),
            (EN, "Too many tries. Try again in 1 minute. No code was used this time."),
        ],
    )
    def test_the_eleventh_quick_try_is_refused_with_both_fields_kept(self, submit, language, sentence):
        for _ in range(10):
            assert submit(code="XXXX").status_code == 422
        answer = submit(language=language)
        shown = page(answer)
        assert answer.status_code == 429
        assert answer["Retry-After"] == "60"
        assert f'<p class="bad" role="alert">{sentence}</p>' in shown
        assert f'value="{ANA}"' in shown
        assert f'value="{CODE}"' in shown

    def test_it_comes_before_every_other_answer(self, submit):
        for _ in range(10):
            submit()
        assert submit(email="ana@").status_code == 429
        a_team()
        a_code(CODE)
        assert submit().status_code == 429
        assert not Redemption.objects.exists()

    def test_an_empty_form_is_no_try(self, submit):
        for _ in range(12):
            assert submit("", "").status_code == 422
        assert not RedeemAttempt.objects.exists()


class TestHostileInput:
    @pytest.mark.parametrize("field", ["email", "code"])
    @pytest.mark.parametrize(
        "value",
        [
            "\0",
            "a\0b@example.com",
            "<script>alert(1)</script>",
            '"><img src=x>',
            "\u202e" * 100,
            "A" * 100_000,
            "%00%ff",
            "'; DROP TABLE invites_redemption; --",
            "🤷",
            "{{ 7|add:7 }}",
        ],
        ids=["nul", "nul-inside", "script", "attribute", "overrides", "long", "percent", "sql", "emoji", "template"],
    )
    def test_it_is_refused_and_shown_as_text(self, submit, field, value):
        answer = submit(**{field: value})
        shown = page(answer)
        assert answer.status_code == 422
        assert field_error(shown, field)
        assert "<script>alert" not in shown
        assert "<img" not in shown

    def test_bytes_that_are_no_text(self, client):
        answer = client.post("/", b"email=%ff%fe&code=\xff\xfe", content_type="application/x-www-form-urlencoded")
        assert answer.status_code == 422

    def test_a_file_in_place_of_a_field(self, client):
        from django.core.files.uploadedfile import SimpleUploadedFile

        assert client.post("/", {"email": SimpleUploadedFile("e", b"x"), "code": CODE}).status_code == 422


class TestLanguage:
    def test_the_first_visit_follows_the_browser(self):
        assert '<html lang="en">' in page(Client(headers={"Accept-Language": "en-GB,fr;q=0.5"}).get("/"))
        assert '<html lang="zh-hans">' in page(Client(headers={"Accept-Language": "zh-CN"}).get("/"))

    def test_any_other_language_reads_chinese(self):
        assert '<html lang="zh-hans">' in page(Client(headers={"Accept-Language": "fr"}).get("/"))
        assert '<html lang="zh-hans">' in page(Client().get("/"))

    def test_each_button_speaks_its_own(self, client):
        shown = page(client.get("/"))
        assert '<button name="language" value="zh-hans" lang="zh-hans" aria-current="true">中文</button>' in shown
        assert '<button name="language" value="en" lang="en">English</button>' in shown

    def test_a_post_keeps_it_for_a_year_and_leads_back(self, client):
        path = f"/r/{a_redemption().public_id}/"
        assert f'name="next" value="{path}"' in page(client.get(path))
        answer = client.post("/i18n/setlang/", {"language": "en", "next": path})
        assert answer["Location"] == path
        assert client.cookies["django_language"]["max-age"] == 365 * 24 * 3600
        assert '<html lang="en">' in page(client.get(path))

    def test_after_an_error_it_leads_to_the_form(self, submit):
        assert 'name="next" value="/"' in page(submit("", ""))

    def test_it_leads_nowhere_else(self, client):
        answer = client.post("/i18n/setlang/", {"language": "en", "next": "https://evil.example/"})
        assert "evil" not in answer["Location"]


class TestHeaders:
    @pytest.mark.parametrize("path", ["/", "/r/{}/", "/r/NOBODY/"])
    def test_each_page_is_closed(self, client, path):
        answer = client.get(path.format(a_redemption().public_id))
        policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "connect-src": "'self'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
        }
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"

    @pytest.mark.parametrize("path", ["/", "/r/{}/", "/r/NOBODY/"])
    def test_nothing_is_inline(self, client, path):
        shown = page(client.get(path.format(a_seated(GrantState.VERIFIED).public_id)))
        assert "<style" not in shown
        assert " style=" not in shown
        assert " onclick=" not in shown
        assert "hx-on" not in shown
        assert all(' src="' in tag for tag in shown.split("<script")[1:])
        assert 'content="noindex"' in shown


class TestSandboxStrip:
    @pytest.mark.parametrize("path", ["/", "/r/{}/", "/r/NOBODY/"])
    @pytest.mark.parametrize(
        ("language", "sentence"),
        [(ZH, "演示模式：不会联系 ChatGPT。"), (EN, "Demo: ChatGPT is not contacted.")],
    )
    def test_it_is_on_every_page_of_a_sandbox_and_on_no_other(self, client, settings, path, language, sentence):
        client.cookies["django_language"] = language
        path = path.format(a_redemption().public_id)
        settings.IS_SANDBOX = True
        assert sentence in page(client.get(path))
        settings.IS_SANDBOX = False
        assert sentence not in page(client.get(path))


class TestServerError:
    def test_it_says_both_languages_and_needs_nothing(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            shown = render_to_string("500.html")
        assert "系统暂时出错，请几分钟后再试。重复提交不会多用邀请码。" in shown
        assert (
            "Something went wrong on our side. Try again in a few minutes; submitting again never uses a code twice."
            in shown
        )

    def test_a_fault_answers_with_it(self, client, monkeypatch):
        def broken(**_: object) -> Redemption:
            raise RuntimeError("a secret detail")

        monkeypatch.setattr("invites.public.views.redeem", broken)
        client.raise_request_exception = False
        answer = client.post("/", {"email": ANA, "code": CODE})
        assert answer.status_code == 500
        assert "系统暂时出错" in page(answer)
        assert "secret" not in page(answer)
        assert not SeatGrant.objects.exists()


class TestWeight:
    """At most 40 kB compressed in at most 5 requests; the stylesheet at most 8 kB, the fragment about 2."""

    def load(self, client, path: str) -> list[int]:
        body = client.get(path).content
        parts = [body]
        for link in body.decode().split('="/static/')[1:]:
            parts.append(Path(finders.find(link.split('"')[0])).read_bytes())
        return [len(gzip.compress(part)) for part in parts]

    def test_the_form(self, client):
        sizes = self.load(client, "/")
        assert len(sizes) <= 5
        assert sum(sizes) <= 10_000

    def test_the_form_with_the_longest_announcement(self, client):
        text = "".join(random.Random(7).choices([chr(letter) for letter in range(0x4E00, 0x9FA5)], k=4000))
        announcement.change(zh=text, en="", is_shown=True, actor=Actor("operator", "olga"))
        sizes = self.load(client, "/")
        assert len(sizes) <= 5
        assert sum(sizes) <= 40_000

    def test_the_status_page(self, client):
        sizes = self.load(client, f"/r/{a_seated(GrantState.VERIFIED).public_id}/")
        assert len(sizes) <= 5
        assert sum(sizes) <= 40_000

    def test_the_stylesheet(self):
        assert Path(finders.find("public.css")).stat().st_size <= 8_000

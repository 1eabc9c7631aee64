from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from base import actors
from notifications.models import AuditEvent
from teampool import api_keys
from teampool.models import ApiKey

ACTOR = actors.command("tests")


def make(name: str = "shop") -> tuple[ApiKey, str]:
    return api_keys.create(name=name, scope=api_keys.IMPORT, actor=ACTOR)


@pytest.mark.django_db
class TestCreate:
    def test_it_is_long_random_and_stored_only_as_a_digest(self):
        key, plain = make()
        assert plain.startswith("sk_")
        assert len(plain) >= 43 + 3
        assert plain not in str(ApiKey.objects.values().get())
        assert plain.startswith(key.prefix)
        assert make("other")[1] != plain

    def test_it_leaves_an_audit_row_without_the_key(self):
        _key, plain = make()
        event = AuditEvent.objects.get()
        assert (event.action, event.object_label) == ("api_key_created", "shop")
        assert plain not in str(vars(event))

    def test_it_refuses_a_name_twice(self):
        make()
        with pytest.raises(api_keys.NameTaken):
            make()
        assert ApiKey.objects.count() == AuditEvent.objects.count() == 1

    @pytest.mark.parametrize("name", ["", "   ", "n" * 61, "two\nlines"])
    def test_it_refuses_a_name_of_no_use(self, name):
        with pytest.raises(ValueError, match="1 to 60"):
            make(name)


@pytest.mark.django_db
class TestCheck:
    def test_it_opens_its_scope_and_no_other(self):
        key, plain = make()
        assert api_keys.check(plain, api_keys.IMPORT) == key
        assert api_keys.check(plain, "everything") is None

    @pytest.mark.parametrize("plain", ["", "sk_", "sk_nope", "sk_é中文", "\udcff\udc80", "\0", "x" * 100_000])
    def test_it_refuses_anything_else(self, plain):
        make()
        assert api_keys.check(plain, api_keys.IMPORT) is None

    def test_it_refuses_a_revoked_key(self):
        key, plain = make()
        assert api_keys.revoke(key_id=key.pk, actor=ACTOR)
        assert not api_keys.revoke(key_id=key.pk, actor=ACTOR)
        assert api_keys.check(plain, api_keys.IMPORT) is None
        assert AuditEvent.objects.filter(action="api_key_revoked").count() == 1

    def test_it_notes_the_last_use_once_a_minute(self, django_assert_num_queries):
        key, plain = make()
        now = timezone.now()
        with time_machine.travel(now, tick=False):
            api_keys.check(plain, api_keys.IMPORT)
        with time_machine.travel(now + timedelta(seconds=59), tick=False):
            api_keys.check(plain, api_keys.IMPORT)
        key.refresh_from_db()
        assert key.last_used_at == now
        later = now + timedelta(seconds=61)
        with time_machine.travel(later, tick=False):
            api_keys.check(plain, api_keys.IMPORT)
        key.refresh_from_db()
        assert key.last_used_at == later


@pytest.mark.django_db
class TestReplace:
    def test_the_old_text_opens_nothing_and_the_new_one_does(self):
        key, old = make()
        api_keys.check(old, api_keys.IMPORT)
        new = api_keys.replace(key_id=key.pk, prefix=key.prefix, actor=ACTOR)
        assert api_keys.check(old, api_keys.IMPORT) is None
        assert ApiKey.objects.get().last_used_at is None
        assert api_keys.check(new, api_keys.IMPORT) == key
        assert new not in str(list(ApiKey.objects.values())) + str(list(AuditEvent.objects.values()))

    def test_it_is_on_record(self):
        key, _plain = make()
        api_keys.replace(key_id=key.pk, prefix=key.prefix, actor=ACTOR)
        assert AuditEvent.objects.latest("pk").action == "api_key_replaced"

    def test_only_the_one_that_was_seen(self):
        key, plain = make()
        assert api_keys.replace(key_id=key.pk, prefix="sk_other", actor=ACTOR) is None
        api_keys.revoke(key_id=key.pk, actor=ACTOR)
        assert api_keys.replace(key_id=key.pk, prefix=key.prefix, actor=ACTOR) is None
        assert api_keys.check(plain, api_keys.IMPORT) is None


@pytest.mark.django_db
class TestFreeName:
    def test_it_is_one_that_no_key_has_or_had(self):
        assert api_keys.free_name("import") == "import"
        make("import")
        api_keys.revoke(key_id=make("import 2")[0].pk, actor=ACTOR)
        make("important")
        assert api_keys.free_name("import") == "import 3"
        assert make(api_keys.free_name("import"))[0].name == "import 3"

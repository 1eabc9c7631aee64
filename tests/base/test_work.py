"""Which rows are free: those no worker holds, whatever the lease's column is called."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from base.work import free
from notifications.models import Message
from teampool.models import Owner

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(("lease", "is_free"), [(None, True), (NOW - SECOND, True), (NOW, True), (NOW + SECOND, False)])
def test_a_row_is_free_unless_its_lease_still_runs(lease, is_free):
    Message.objects.create(event="x", channel="bark", dedupe_key="x", created_at=NOW, due_at=NOW, lease_until=lease)
    assert Message.objects.filter(free(NOW)).exists() is is_free


def test_only_one_of_two_claims_of_a_row_changes_it():
    owner = Owner.objects.create(email="owner@example.com", device_id=uuid.uuid4())
    claims = [
        Owner.objects.filter(free(NOW, "refresh_lease_until"), pk=owner.pk).update(refresh_lease_until=NOW + SECOND)
        for _ in range(2)
    ]
    assert claims == [1, 0]

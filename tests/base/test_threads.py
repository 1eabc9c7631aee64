"""A thread gives its database connections back, also when its work breaks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from base.threads import closing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("breaks", [False, True])
def test_the_connections_of_a_thread_are_closed_at_its_end(breaks):
    def ask() -> int:
        connection.ensure_connection()
        if breaks:
            raise LookupError
        return 1

    def run() -> bool:
        try:
            assert closing(ask)() == 1
        except LookupError:
            assert breaks
        return connection.connection is None

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run).result()

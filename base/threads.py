"""Functions that run in threads must close the database connections they opened."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")


def closing(work: Callable[P, R]) -> Callable[P, R]:
    """`work`, closing its thread's connections however it ends."""

    @wraps(work)
    def closed(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return work(*args, **kwargs)
        finally:
            connections.close_all()

    return closed

"""The first operator of a new installation."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User

from base.actors import Actor
from config.backoffice import operators


@dataclass(frozen=True, slots=True)
class FirstOperator:
    name: str
    password: str


def create_first_operator(*, actor: Actor, name: str = "operator") -> FirstOperator | None:
    """Create an operator with a random password; None when an operator can already log in."""
    if User.objects.filter(is_superuser=True, is_active=True).exists() or User.objects.filter(username=name).exists():
        return None
    password = secrets.token_urlsafe(12)
    user = User(username=name)
    user.set_password(password)
    operators.add(user=user, actor=actor)
    return FirstOperator(name, password)

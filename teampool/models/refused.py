"""Access tokens that ChatGPT refused, by their digests."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from teampool.models.teams import Team


class RefusedToken(models.Model):
    """An access token that was refused, and what was asked of the web session for it (`login/refused.py`)."""

    # Empty for a token that an import brought.
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="refused_tokens")
    digest = models.CharField(max_length=64)
    # When it was refused for certain; empty while only an unclear answer spoke against it.
    refused_at = models.DateTimeField(null=True, blank=True)
    calls = models.PositiveSmallIntegerField(default=0)
    forced_at = models.DateTimeField(null=True, blank=True)
    # The session has no token for this workspace: why, how often it said so, and when to ask again.
    problem = models.CharField(max_length=32, blank=True)
    put_off = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "digest"], name="teampool_refusedtoken_once"),
            models.UniqueConstraint(
                fields=["digest"], condition=Q(forced_at__isnull=False), name="teampool_refusedtoken_forced_once"
            ),
        ]

    def __str__(self) -> str:
        return self.digest[:8]

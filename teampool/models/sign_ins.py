"""Sign-ins at OpenAI that an operator began."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from base.encryption import EncryptedTextField
from notifications.audit.events import Subject
from teampool.models.imports import ImportJob
from teampool.models.owners import Owner


class SignIn(models.Model):
    """One authorisation address that was given to an operator; its verifier is wiped when it is used.

    `browser` is the digest of the session it was begun in. The state in the address is made from the verifier, so it
    is stored nowhere.
    """

    operator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    browser = models.CharField(max_length=64)
    # Whose log-in is to be renewed; another person's is refused then.
    owner = models.ForeignKey(Owner, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    verifier = EncryptedTextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True, blank=True)
    job = models.ForeignKey(ImportJob, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return f"{self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("sign_in", str(self.pk), self.owner.email if self.owner else "")

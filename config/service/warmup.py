"""Load what the first request or job would load. Workers are forked from a process that did this."""

from __future__ import annotations

import gc

from django.conf import settings
from django.urls import reverse
from django.utils import translation


def warm_up() -> None:
    """Load addresses and catalogues of each language; exclude all loaded objects from garbage collection."""
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            reverse("admin:index")
    gc.collect()
    gc.freeze()  # else a full collection takes 0.1 s in the middle of a redemption

"""What the first request or task of a process would load, loaded before.

A worker is forked from a process that did this, so that each of them finds it done.
"""

from __future__ import annotations

import gc

from django.conf import settings
from django.urls import reverse
from django.utils import translation


def warm_up() -> None:
    """Load addresses and catalogues of each language, and spare the garbage collector what stays for good."""
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            reverse("admin:index")
    gc.collect()
    gc.freeze()  # a full collection walked all modules: a tenth of a second, in the middle of a redemption

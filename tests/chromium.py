"""Which browser the tests drive: Debian's Chromium, its headless build if there, which takes half the time."""

from __future__ import annotations

import os
import shutil

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium") or ""

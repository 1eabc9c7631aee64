"""Landed migrations import the field from here; it now lives in `base.encryption`."""

from __future__ import annotations

from base.encryption import EncryptedTextField

__all__ = ["EncryptedTextField"]

"""Landed migrations import this field from here; it lives in `base.encryption`."""

from __future__ import annotations

from base.encryption import EncryptedTextField

__all__ = ["EncryptedTextField"]

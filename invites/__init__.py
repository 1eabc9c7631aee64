"""Codes, redemptions and the seats they hold."""

"""Keeps watch over the pool."""

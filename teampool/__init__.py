"""Owners, Teams, and everything said to ChatGPT."""

"""Finds people who have no right to be in a Team, and removes them."""

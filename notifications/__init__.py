"""What happened, what was sent, and the run-time settings."""

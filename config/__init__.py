"""Settings, addresses, the back office, and the commands that run an installation."""

"""The channels: each is one class in a module of its own (`channel.py` says what it has), listed in `registry.py`."""

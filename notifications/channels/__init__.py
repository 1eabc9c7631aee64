"""Ways out: siblings that are built alike. `stored()` reads the settings, `is_on()`, `send(message)`, `test()`.

`sending/deliver.py` (`CHANNELS`) sends by them, `outbox.py` decides who is told by which.
"""

"""Ways out: siblings that are built alike. `stored()` reads the settings, `is_on()`, `send(message)`, `test()`."""

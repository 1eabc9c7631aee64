"""The page of run-time settings: five sections, each saved on its own."""

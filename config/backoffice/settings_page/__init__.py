"""The pages of the run-time settings: seven sections, each a Django form on a page of its own with its own save."""

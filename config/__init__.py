"""Where the rooms come together: addresses, admin frame, start-up."""

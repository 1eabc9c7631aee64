"""Template filters of the operator's pages."""

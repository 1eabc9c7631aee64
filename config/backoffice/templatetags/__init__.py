"""Words for the operator pages' templates."""

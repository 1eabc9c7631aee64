"""Teams and everything said to upstream."""

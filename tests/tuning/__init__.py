"""Studies of trials."""

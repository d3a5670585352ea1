"""Files found, checked, ignored and fixed."""

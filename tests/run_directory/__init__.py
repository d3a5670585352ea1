"""Files of a run: written, damaged, forged."""

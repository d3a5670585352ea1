"""Rules, findings, and how they are shown."""

"""Samples, batches and what data holds."""

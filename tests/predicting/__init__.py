"""Predictions and metrics of runs and model files."""

"""Checks of a graph with its shapes, training and data."""

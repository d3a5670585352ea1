"""Diagrams of graphs."""

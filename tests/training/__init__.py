"""Trainings, and how they are resumed."""

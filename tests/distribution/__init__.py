"""Trainings of several devices and processes."""

"""Specs whose trainings are killed and gone on with, and the data that they are trained on."""

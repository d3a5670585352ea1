"""Tests of models → specs."""

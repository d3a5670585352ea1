"""Tests of rendered specs."""

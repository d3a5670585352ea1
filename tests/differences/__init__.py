"""Tests of the differences of two specs."""

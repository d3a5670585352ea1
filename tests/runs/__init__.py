"""Runs read again, compared and reported."""

"""Tests of folders that `graphspec new` starts."""

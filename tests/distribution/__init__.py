"""Tests of training by several workers."""

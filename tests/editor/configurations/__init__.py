"""Configurations of editors, and the extension of VS Code."""

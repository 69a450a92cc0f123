"""Thin groups as a command."""

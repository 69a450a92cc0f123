"""Textbook private synthesizers, kept for teaching and as baselines."""

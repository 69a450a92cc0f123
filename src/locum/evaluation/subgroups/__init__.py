"""Thin groups: how well a stand-in tells a model's accuracy where real rows are few."""

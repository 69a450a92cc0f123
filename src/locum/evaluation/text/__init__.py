"""Measures of synthetic text: likeness, variety, use and copying, each beside what real texts score."""

"""Graphical models over junction trees, and the private synthesizers that are fitted with them."""

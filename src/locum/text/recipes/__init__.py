"""Recipes: known ways to make text data as composable functions, each with the filters of its paper."""

"""Text data: typed plan, engine, recipes, verification, private text."""

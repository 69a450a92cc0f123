"""Shapes of rules that are looked for in a table: for each, which candidates a sample of rows leaves."""

"""The one door to a generator: fit a table, draw rows that keep its rules, save and load."""

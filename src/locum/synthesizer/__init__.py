"""The one door: fit, sample, save and load of a table, with or without a guarantee."""

"""Data dictionaries: what somebody wrote down about the columns of a table, from files of several kinds."""

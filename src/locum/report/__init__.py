"""A page, a JSON file and a data card out of typed results; never sees a row."""

"""Who answers a count: rows in memory, files behind DuckDB, and a private wrapper around either."""

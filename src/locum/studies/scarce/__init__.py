"""Too little data: interpolated rows, curation, borrowing from a related table, more rows of a minority."""

"""Too little data: borrowing from a related table."""

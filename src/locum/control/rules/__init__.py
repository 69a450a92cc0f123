"""Rules that every row keeps: as clauses, contradictions among them, and proposals from the data."""

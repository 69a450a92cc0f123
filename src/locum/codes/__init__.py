"""Values <-> small integers: `Encoder` for tables, and fresh values for ids, text and personal data."""

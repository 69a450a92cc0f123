"""What the user asks of drawn rows: conditions, given cells, targets, rules; and missing cells."""

"""Conditions, targets, rules and fairness: what the user asks of the rows that are drawn."""

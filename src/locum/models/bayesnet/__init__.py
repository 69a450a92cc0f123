"""A Bayesian network learned from rows: structure by search and score, answers by exact inference."""

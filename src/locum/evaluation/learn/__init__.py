"""Learners and features that judges share: boosting, coarse codes, text vectors, rows as matrices."""

"""Thin groups as a study: the verb over `locum.evaluation.subgroups`."""

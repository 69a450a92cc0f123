"""Shared words and views for judging a stand-in: results, evidence, and the trial they rest on."""

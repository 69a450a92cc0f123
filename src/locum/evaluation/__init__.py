"""Evidence: what a stand-in is worth, in measures, attacks and verdicts; it knows no generator."""

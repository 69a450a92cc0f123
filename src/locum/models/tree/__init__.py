"""The default synthesizer: chains of histogram trees over codes, corrected by a boosted density ratio."""

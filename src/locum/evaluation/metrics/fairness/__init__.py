"""Fairness: parity of rates, of models, and of the quality of the stand-in, group by group.

Words are those of fairlearn: demographic parity, equalised odds, equal opportunity; difference and ratio. No
number here says that something is fair: results show how far groups differ, in real and in synthetic rows.
"""

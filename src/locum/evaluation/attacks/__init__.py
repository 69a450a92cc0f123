"""Attacks: whose rows were learned from, what can be guessed of them, and audits of a guarantee.

They are smoke tests. Finding copying means something; finding none proves nothing.
"""

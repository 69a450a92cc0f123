"""Copying tests: whether synthetic rows sit closer to the rows learned from than to rows never seen.

They are smoke tests. Finding copying means something; finding none proves nothing.
"""

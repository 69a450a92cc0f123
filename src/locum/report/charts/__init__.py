"""Charts as inline SVG: no script, no library, sharp at any width, readable in grey.

Why they are drawn here: docs/decisions/0003-charts-without-javascript.md.
"""

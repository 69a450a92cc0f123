"""Charts as inline SVG: no script, no library, sharp at any width, readable in grey (decision 0003)."""

"""Private Evolution: proposals, noisy votes of the private rows, and the loop over them."""

"""Whether synthetic rows help beside real ones, and how much weight they deserve."""

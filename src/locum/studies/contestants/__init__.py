"""Who takes part in a comparison: ours and others' generators, each in a process of its own."""

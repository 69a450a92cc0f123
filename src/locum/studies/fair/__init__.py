"""Fair generation: rows whose labels depend less on protected columns, with evidence before and after."""

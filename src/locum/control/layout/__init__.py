"""Rules kept by construction: how the columns of a table are laid out before they are coded."""

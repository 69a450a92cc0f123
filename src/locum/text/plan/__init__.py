"""What is to be written: columns, their order, and how each gets its value."""

"""The language of conditions and rules: words, syntax, what they mean of a table's columns."""

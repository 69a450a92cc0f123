"""What the data is: columns, tables and the space of codes; no values live here."""

"""Several generators on several tables and seeds, judged by one measure."""

"""What happens when generators learn from generators: laws of theory and a laboratory for one's own table."""

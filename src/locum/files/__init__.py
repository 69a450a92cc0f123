"""Files: the model container, the run folder, and writing that leaves nothing half done."""

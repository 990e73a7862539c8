"""Values that cannot be invalid, and errors. Standard library only."""

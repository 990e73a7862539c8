"""Hydria for Python: versioned datasets and models, and what made and used them."""

"""Runs: what happened, what it measured, what it used and what it made."""

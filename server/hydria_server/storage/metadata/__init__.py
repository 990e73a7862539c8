"""Rows: names, versions, aliases, uploads, the chunk index and the event history."""

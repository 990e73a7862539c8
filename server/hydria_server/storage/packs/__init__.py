"""Chunk bytes in append-only packs."""

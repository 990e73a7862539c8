"""Graphs as pictures: where boxes and arrows go, and what they look like."""

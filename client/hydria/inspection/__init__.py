"""Looks at whole versions: are they as they were stored, and what differs between two of them."""

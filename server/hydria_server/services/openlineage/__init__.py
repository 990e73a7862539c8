"""OpenLineage, the standard of run events: checked, understood, recorded."""

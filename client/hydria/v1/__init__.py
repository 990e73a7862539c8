"""The contract in Python: generated from `protos/hydria/v1` by `make protos`, never edited."""

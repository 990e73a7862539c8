"""What else one could pick, measured beside us in one run; `python -m benchmarks.peers`.

The packages of peers are in an environment of their own, `.venv-peers`: see `make bench-peers`.
"""

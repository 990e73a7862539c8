"""Named workloads, measured; `python -m benchmarks` runs them."""

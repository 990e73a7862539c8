"""The workloads, one file per family; `registry` has their names."""

"""The rules of Hydria: one file per family of use cases; no grpc, no protobuf."""

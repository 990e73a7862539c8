"""The Hydria server: versioned datasets and models over gRPC."""

"""Wire in, wire out: convert, call a service, convert; errors and interceptors."""

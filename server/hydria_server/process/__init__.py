"""What a server process needs beside its service: lock, log, allocator, fault points."""

"""The `hydria` command: it reads arguments, calls the client, and prints what came of it.

Nothing here is imported before it is needed: `hydria --help` loads click, and no gRPC.
"""

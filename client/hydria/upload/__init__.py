"""The way up: read, cut, hash, ask, send, stage. One pipeline, bounded memory, no staging copy.

A thread scans (`scanner`): it fills buffers with files, cuts and hashes them, and hands windows
to the event loop. The loop asks the server what it lacks of a window, sends that on a few streams
(`lanes`), and stages the window's files once all of it is durable (`pipeline`).
"""

"""The way down: list, look at what is in place, fetch the rest, verify, and only then rename.

The event loop receives frames and hands them to a thread (`fetching`); the thread checks every
one against what was asked for (`frames`), writes to temporary files and puts verified ones in
their places (`materializing`). Nothing that a server sends is believed before it was checked.
"""

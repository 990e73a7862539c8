"""`python -m hydria.demo`: the story of a dataset and a model, on real files, with a real server.

It needs nothing but the installed package, keeps to a temporary directory, and fails when
anything is not as it says.
"""

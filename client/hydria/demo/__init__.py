"""`python -m hydria.demo`: the story of a dataset and a model, on real files, with a real server.

It needs `hydria[demo]`, keeps to a temporary directory but for the picture that it draws, and
fails when anything is not as it says.
"""

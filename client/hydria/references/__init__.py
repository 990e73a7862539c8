"""Bytes that stay where they are: found and described when a version is made, verified when read.

The server only keeps the words (`words`). A store for each scheme (`local_files`, `http`, and with
what they share in `buckets` `s3`, `gs` and `az`) lists and opens what is out there, blocking, for
threads; `listing` makes references of it, and `fetching` turns references into verified bytes.
"""

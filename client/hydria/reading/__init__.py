"""Files of versions read in place: opened, mounted in fsspec, nothing put on the disk.

`Client.open` and `AsyncClient.open` use what is here; `file_system` is loaded by fsspec.
"""

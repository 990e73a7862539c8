"""Why there is no picture, by name."""

from __future__ import annotations

from hydria.errors import HydriaError


class PictureUnavailableError(HydriaError):
    """This machine lacks what draws pictures; the message says what to install."""


class PictureTooLargeError(HydriaError):
    """The graph has more in it than a picture can show; the message says what to do."""

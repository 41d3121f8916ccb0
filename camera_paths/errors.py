"""The one error of this package."""


class PathError(ValueError):
    """A path file, view or argument that cannot be used; the message is one line that says what and where."""

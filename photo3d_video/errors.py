"""All errors that a user can cause or meet. Each message is one line: what, which file, what to do.

Photo3DError
├── InputError              a photo, depth map, path file or argument that cannot be used
├── GLUnavailableError      no offscreen OpenGL context
├── WeightsError            a network's weights are missing or unusable
└── OutputError             the result cannot be written
    └── EncodeError         ffmpeg failed
"""


class Photo3DError(Exception):
    """Base of every error that this package raises on purpose."""


class InputError(Photo3DError):
    """A photo, depth map, path file or argument that cannot be used."""


class GLUnavailableError(Photo3DError):
    """No offscreen OpenGL context can be made."""


class WeightsError(Photo3DError):
    """A network's weights are missing or unusable."""


class OutputError(Photo3DError):
    """The result cannot be written."""


class EncodeError(OutputError):
    """ffmpeg is missing, refused the arguments or died."""

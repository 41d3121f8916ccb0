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


def explain(error: Exception) -> str:
    """What happened and what to do, in one line, for an error of any kind."""
    text = " ".join(str(error).split())
    if isinstance(error, Photo3DError):
        return text
    if isinstance(error, ImportError):
        return f"{text}: a library is missing or broken, render-3dphoto --doctor tells how to get it"
    if isinstance(error, MemoryError):
        return "not enough memory: give a smaller --size or --max-size"
    return f"{type(error).__name__}: {text}: this is a bug, --debug shows where it happened"

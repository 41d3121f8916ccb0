"""Errors of the renderer."""


class RenderError(RuntimeError):
    """No offscreen OpenGL context, or the GPU cannot hold the scene. The message says what to do."""

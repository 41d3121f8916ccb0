"""Depth of a photo: the built-in network, larger models, and the user's own maps."""

"""The loggers of the product's packages: what the command shows, and worker processes pass on."""

from __future__ import annotations

import logging

PACKAGES = ("photo3d_video", "inpaint", "render", "camera_paths")


def listen(handler: logging.Handler, level: int) -> None:
    """Give what the packages log from `level` on to `handler`, and to nobody else."""
    for name in PACKAGES:
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.addHandler(handler)
        logger.propagate = False


def stop_listening(handler: logging.Handler) -> None:
    """Undo `listen`."""
    for name in PACKAGES:
        logger = logging.getLogger(name)
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True

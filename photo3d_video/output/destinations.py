"""Aspects, resolutions, and the places where clips are posted with what each asks for."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from photo3d_video.errors import InputError

log = logging.getLogger(__name__)

ASPECTS = {"9:16": 9 / 16, "4:5": 4 / 5, "1:1": 1.0, "16:9": 16 / 9, "source": None}
"""Width over height; None is the photo's own."""

RESOLUTIONS = {"720p": 720, "1080p": 1080, "1440p": 1440, "4k": 2160}
"""Short side in px."""


@dataclass(frozen=True)
class Destination:
    """What a place asks of a clip; None leaves the choice open. What the user asks for goes first."""

    aspect: str | None = None
    """Key of `ASPECTS`."""
    resolution: str | None = None
    """Key of `RESOLUTIONS`."""
    fps: float | None = None
    """Frames per second that it shows without converting them."""
    max_kbps: int | None = None
    """Bit rate above which it, or a viewer's decoder, may refuse the clip."""
    least_seconds: float = 0.0
    """Length below which it may refuse the clip."""


# What they publish for developers and uploaders, looked up in 2026:
# Instagram (reels, stories, feed, square): 23 to 60 fps, at most 1920 px wide and 25 Mbit/s, 3 s or more, closed GOP,
#   4:2:0, index in front; reels and stories recommended 9:16, posts in the feed 4:5 to 16:9.
# TikTok: 23 to 60 fps, 360 to 4096 px a side, 3 s or more, no bit rate named.
# YouTube Shorts: upright or square, any usual rate, closed GOP, index in front, no bound on the bit rate.
# X: at most 1920x1200 or 1200x1900, 60 fps (40 in older texts) and 25 Mbit/s.
# Instagram's text also wants no edit lists. Ours have one, as all MP4 files have whose B-frames make the first picture
#   come late and that start at 0 nonetheless: without B-frames, clips are 70 to 80 % larger (two clips at CRF 18), and
#   negative offsets instead of a list (ctts version 1) make files that older Androids refuse.
# 30 fps suits all. Where no bound is named, 25 Mbit/s is that of H.264 High at level 4.0, which every phone decodes.
# `web` is for pages: it has to start quickly on a slow line.
DESTINATIONS = {
    "reels": Destination("9:16", "1080p", 30, 25_000, 3.0),
    "tiktok": Destination("9:16", "1080p", 30, 25_000, 3.0),
    "shorts": Destination("9:16", "1080p", 30, 25_000),
    "stories": Destination("9:16", "1080p", 30, 25_000, 3.0),
    "feed": Destination("4:5", "1080p", 30, 25_000, 3.0),
    "square": Destination("1:1", "1080p", 30, 25_000, 3.0),
    "x": Destination("16:9", "1080p", 30, 25_000),
    "web": Destination("source", "720p", 30, 5_000),
}


def find_destination(name: str | None) -> Destination:
    """The row of `DESTINATIONS`, or one that leaves everything open. Raises InputError for an unknown name."""
    if name is None:
        return Destination()
    if name not in DESTINATIONS:
        raise InputError(f"unknown destination {name!r}: choose one of {', '.join(DESTINATIONS)}")
    return DESTINATIONS[name]


def check_length(name: str | None, seconds: float) -> None:
    """Warn where a clip is shorter than its destination wants: it may be meant to be joined with others."""
    least = find_destination(name).least_seconds
    if seconds < least - 1e-6:
        log.warning("--for %s wants %g s or more, this clip has %g s: give --seconds", name, least, seconds)

"""Sheets over torn quads: every surface that ends in one goes on over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]

OPAQUE = 255.0
LAST_BEHIND = 0.003  # share of disparity


@dataclass(frozen=True)
class Sheets:
    """Triangles over torn quads, with the corners that are not pixels of their surface as vertices of their own."""

    xy: Float  # (N, 2), and so on as in `Mesh`
    uv: Float  # (N, 2)
    disparity: Float  # (N,)
    fade: Float  # (N,)
    triangles: Index  # (T, 3) flat indices of pixels (H, W), or H * W + indices of the vertices above
    soft: Bool  # (T,)
    rim: Index  # (M,) flat indices of the pixels at which they meet their surfaces

    def joined(self, other: Sheets, n_pixels: int) -> Sheets:
        """These and `other` ones over the same map of `n_pixels` pixels."""
        moved = np.where(other.triangles < n_pixels, other.triangles, other.triangles + len(self.xy))
        return Sheets(
            np.concatenate([self.xy, other.xy]),
            np.concatenate([self.uv, other.uv]),
            np.concatenate([self.disparity, other.disparity]),
            np.concatenate([self.fade, other.fade]),
            np.concatenate([self.triangles, moved]),
            np.concatenate([self.soft, other.soft]),
            np.concatenate([self.rim, other.rim]),
        )


def torn_sheets(disparity: Float, right: Bool, down: Bool, torn: Bool, continued: Bool, soft: Bool) -> Sheets:
    """One sheet for every surface that ends in a quad of `torn` (H - 1, W - 1).

    Each group of linked corners goes on over the whole quad at its own depth. It fades out towards corners of farther
    groups; the farthest group does not fade, so that the quad is covered even where no layer lies behind. It is left
    out where one does: where all of its corners are `continued` (H - 1, W - 1, 4) by a layer that covers the quad. One
    shines through where its surface is `soft` (H, W), which it only is before another layer.
    """
    height, width = disparity.shape
    y, x = np.nonzero(torn)
    rows, columns = np.stack([y, y, y + 1, y + 1], 1), np.stack([x, x + 1, x, x + 1], 1)
    q = disparity[rows, columns]
    group = _groups(right, down, y, x)
    own = group[..., None] == np.arange(4)  # (N, 4 corners, 4 groups)
    present = own.any(1)
    means = (own * q[..., None]).sum(1) / np.maximum(own.sum(1), 1)
    farthest = np.where(present, means, np.inf).argmin(1)
    needless = (continued[y, x][..., None] | ~own).all(1)  # (N, groups)
    last = (np.arange(4) == farthest[:, None]) & present
    quad, g = np.nonzero(present & ~(last & needless))

    member, is_last = own[quad, :, g], last[quad, g][:, None]
    at = np.stack([columns[quad] + 0.5, rows[quad] + 0.5], -1)
    # The nearer surfaces' colours would stay on the last sheet as an outline when those move away.
    uv = np.where(is_last[..., None], _closest_member(at, member), at)
    sheet = np.where(member, q[quad], means[quad, g][:, None])
    # What covers the quad for want of better must not fight with the layer behind at the same depth.
    values = np.where(is_last, sheet * (1 - LAST_BEHIND), sheet)
    translucent = soft[rows, columns][quad]
    fades = np.where(is_last, np.where((translucent & member).any(1), 1, OPAQUE)[:, None], member)
    new = height * width + np.arange(4 * len(quad)).reshape(-1, 4)
    corners = np.where(member & ~is_last, rows[quad] * width + columns[quad], new)
    shape = np.where(is_last[:, 0], 15, member @ (1, 2, 4, 8))
    drawn, which = np.nonzero(_TRIANGLES[shape, :, 0] >= 0)
    triangles = np.take_along_axis(corners[drawn], _TRIANGLES[shape[drawn], which], 1)
    return Sheets(
        at.reshape(-1, 2).astype(np.float32),
        uv.reshape(-1, 2).astype(np.float32),
        values.ravel().astype(np.float32),
        fades.ravel().astype(np.float32),
        triangles,
        (~is_last[:, 0] | translucent.any(1))[drawn],
        (rows[quad] * width + columns[quad])[member],
    )


def _groups(right: Bool, down: Bool, y: Index, x: Index) -> Index:
    """(N, 4) for each corner of the quads at y, x the first corner that links join it to."""
    group = np.tile(np.arange(4), (len(y), 1))
    edges = ((0, 1, right[y, x]), (2, 3, right[y + 1, x]), (0, 2, down[y, x]), (1, 3, down[y, x + 1]))
    for _ in range(2):  # labels spread over at most three links
        for i, j, linked in edges:
            least = np.where(linked, np.minimum(group[:, i], group[:, j]), 0)
            group[:, i] = np.where(linked, least, group[:, i])
            group[:, j] = np.where(linked, least, group[:, j])
    return group


def _shapes() -> Index:
    """(16, 2, 3) triangles of a quad of which the corners of the set bits are members; -1 where there is none.

    An odd corner is cut off, whichever it is, so that silhouettes look alike on all sides. Where it is the only member,
    the other triangle would show nothing.
    """
    out = np.full((16, 2, 3), -1)
    for members in range(1, 16):
        odd = next((c for c in range(4) if members in (1 << c, 15 - (1 << c))), 0)
        ends = (1, 2) if odd in (0, 3) else (0, 3)
        out[members, 0] = odd, *ends
        if members.bit_count() > 1:
            out[members, 1] = 3 - odd, *ends
    return out


_TRIANGLES = _shapes()


def _closest_member(at: npt.NDArray[np.float64], member: Bool) -> npt.NDArray[np.float64]:
    """(N, 4, 2) for each corner of each quad the closest corner that is a member: `at` (N, 4, 2), `member` (N, 4)."""
    apart = ((at[:, :, None] - at[:, None]) ** 2).sum(-1) + np.where(member, 0, 9)[:, None]
    return np.take_along_axis(at, apart.argmin(-1)[..., None], 1)

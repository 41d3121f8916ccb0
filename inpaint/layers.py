"""Layers behind tears: the picture is peeled, nearest surfaces first, until no camera move can look behind anything.

After the layered depth images of Shih et al. (CVPR 2020), on whole arrays: each peel takes away the near side of every
tear as far as the parallax budget can reveal, continues the far side's depth there, and paints its colour from the far
side's context alone. The result is a full picture again, peeled in turn where it still has tears.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.canvas import MARGIN_PX, border_for, extend, paint_border, repeat_border
from inpaint.chains import find_tears
from inpaint.crossings import crossings, structure_tensor
from inpaint.fill import Fill
from inpaint.filters import Bool, Float, nearest, push_pull
from inpaint.ledges import join_ledges
from inpaint.matte import soft_edges
from inpaint.regions import grow, part_scraps, peel_regions, show_strangers
from inpaint.seams import meet_parts, meet_rims
from inpaint.sight import Sight
from inpaint.slopes import opaque_beside_slopes, slopes_at, slopes_for_tears
from inpaint.tears import Links, TornPairs, smooth_surfaces, steepest_steps, surfaces, was_made_sharp, were_blurred
from inpaint.thin import with_thin_things

UInt8 = npt.NDArray[np.uint8]

MAX_LAYERS = 3  # besides the backdrop
OVERLAP_PX = 2  # neighbouring layers share this many pixels, so that no crack opens between them
BEHIND = 0.004  # a painted surface lies at least this much disparity behind what hides it
MEET, MEET_PX = 0.06, 10.0  # a painted surface is bent to meet the rim it goes on from: at most so much, over so far
BACKDROP_CELL_PX = 32
SMOOTHING_ROUNDS = 10  # calm the grain that sharpening leaves on surfaces: half as many triangles, and no wobble
SLIGHT = 0.18  # disparity by which the sides of slight tears differ, at most
SURELY_THIN = 0.95  # likelier than most hairs: those may part where wires may not
MIN_FRAGMENT_SHARE = 1.5e-4  # smaller pieces of surface are noise of the depth map


@dataclass(frozen=True)
class Layer:
    """One sheet of the layered image on the extended canvas of (H, W) pixels."""

    rgb: Float  # (H, W, 3) sRGB in 0..1
    disparity: Float  # (H, W)
    alpha: Float  # (H, W) in 0..1
    links: Links  # which neighbours are one surface
    drawn: Bool  # (H, W) pixels that the layer shows
    painted: Bool  # (H, W) pixels whose colour was painted in, not taken from the photo


@dataclass(frozen=True)
class LayeredImage:
    """Layers, front first, the last one a backdrop without tears that covers the whole canvas.

    The photo is the canvas without `border_px` on each side.
    """

    layers: tuple[Layer, ...]
    border_px: int
    budget_px: float


def build_layers(
    rgb: UInt8,
    disparity: Float,
    budget_px: float,
    fill: Fill,
    sight: Sight | None = None,
    painted: Callable[[], Float] | None = None,
) -> LayeredImage:
    """Photo (H, W, 3) uint8 and sharp disparity (H, W) in 0..1 -> layered image that holds for `budget_px`.

    `sight`: the photo with the disparity before it was made sharp, which tells what came only of that, and what is
    thin. `painted` gives what `paint_border` makes of the photo, where that is made elsewhere meanwhile. Raises
    MissingWeightsError.
    """
    colour, q, inside = repeat_border(rgb, disparity, budget_px)
    border = border_for(budget_px)
    before = None if sight is None else steepest_steps(extend(sight.disparity, border))
    q = separate_surfaces(q, before, colour, budget_px)
    colour = painted() if painted is not None else paint_border(rgb, disparity, budget_px, fill)
    real = thin = None
    estimated = before is not None and was_made_sharp(q, before, budget_px)
    if sight is not None and estimated:
        likely = extend(cv2.resize(sight.thin, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR), border)
        q, real = with_thin_things(q, colour, likely, budget_px)
        thin = likely > SURELY_THIN
    torn, tensor = find_tears(q, budget_px), structure_tensor(colour)
    crossed = crossings(q, torn, tensor, before, thin)
    matte = soft_edges(*slopes_for_tears(q, torn, colour, crossed, real), colour, before)
    grown = remove_fragments(matte.disparity, find_tears(matte.disparity, budget_px))
    torn = find_tears(grown, budget_px)
    crossed |= crossings(grown, torn, tensor, before, thin)
    q, links = slopes_for_tears(grown, torn, colour, crossed, real)
    if before is not None:
        q, links = _without_vain_tears(q, links, before, budget_px, slight=estimated)
    alpha = opaque_beside_slopes(matte.alpha, grown, torn, links)
    front = Layer(colour, q, alpha, links, np.ones(q.shape, bool), ~inside)
    layers, painted_last = [front], []
    unreliable = matte.rim
    cut = Links.none(q.shape)
    while len(layers) < MAX_LAYERS:
        behind = peel(layers[-1], cut, unreliable, budget_px, fill)
        if behind is None:
            break
        layer, cut, hidden = behind
        layers.append(layer)
        painted_last.append(hidden)
        unreliable = np.zeros_like(unreliable)
    clean = map(_without_shine, layers[1:], painted_last)
    return LayeredImage((front, *clean, _backdrop(layers[-1])), border, budget_px)


def separate_surfaces(disparity: Float, before: Float | None, rgb: Float, budget_px: float) -> Float:
    """Disparity (H, W) without small torn-off pieces, and smooth between its tears.

    `before` (H, W): the `steepest_steps` of the disparity before it was made sharp, if it was; `rgb` (H, W, 3) in 0..1.
    """
    calm = _calmed(disparity, budget_px)
    joined = calm if before is None else join_ledges(calm, before, rgb, budget_px)
    return calm if joined is calm else _calmed(joined, budget_px)


def _calmed(disparity: Float, budget_px: float) -> Float:
    links = find_tears(disparity, budget_px)
    q = remove_fragments(disparity, links)
    if q is not disparity:  # an edge that ran round a fragment now runs through it: smoothing would mix both sides
        links = find_tears(q, budget_px)
    return smooth_surfaces(q, links, SMOOTHING_ROUNDS)


def remove_fragments(disparity: Float, links: Links) -> Float:
    """Small torn-off pieces (flying specks) take the depth of the surface beside them."""
    small = _fragments(links)
    if not small.any() or small.all():
        return disparity
    return nearest(disparity, ~small)


def _fragments(links: Links) -> Bool:
    """(H, W) the pixels of pieces of surface that are too small to be any."""
    label = surfaces(links)
    return np.asarray((np.bincount(label.ravel()) < MIN_FRAGMENT_SHARE * label.size)[label])


def _without_vain_tears(
    disparity: Float, links: Links, before: Float, budget_px: float, slight: bool
) -> tuple[Float, Links]:
    """Both with slopes for tears behind which nothing could be painted but what is far behind both sides: those that
    part scraps and, if asked, `slight` ones that would show strangers. Stretched by a few pixels nobody sees those, but
    what shines through them.

    `before` (H, W): the `steepest_steps` of the disparity before it was made sharp. What was sharp already stays torn
    round scraps.
    """
    # Scraps are known among what waits, and touch what is before them only for a moment: no contact is too short here.
    regions = peel_regions(disparity, links, Links.none(disparity.shape), budget_px, MARGIN_PX, BEHIND, contact_px=0)
    if regions is None:
        return disparity, links
    vain = part_scraps(regions) & were_blurred(regions.tears, disparity, before)
    if slight:
        vain |= show_strangers(regions) & (regions.tears.steps(disparity) < SLIGHT)
    return slopes_at(disparity, links, regions.tears, vain)


def peel(front: Layer, cut: Links, unreliable: Bool, budget_px: float, fill: Fill) -> tuple[Layer, Links, Bool] | None:
    """The picture behind `front`'s tears, its cut and what was painted now; None where nothing can be revealed.

    `cut`: tears that hide nothing new.
    """
    h, w = front.disparity.shape
    regions = peel_regions(front.disparity, front.links, cut, budget_px, MARGIN_PX, BEHIND, front.alpha < 1)
    if regions is None:
        return None
    hidden = regions.hidden
    rgb, q = _paint(front.rgb, front.disparity, hidden, regions.context & ~unreliable, fill)
    beside = regions.context | regions.inner_context
    if regions.inner.any():
        inner = _paint(rgb, q, regions.inner, beside & ~unreliable, fill)
        rgb, q = meet_parts((rgb, q), inner, hidden & ~regions.inner)
    rgb = meet_rims(rgb, hidden, beside & unreliable)
    q = _bend_to_rims(q, front.disparity, regions.tears, hidden)
    behind = np.clip(front.disparity - BEHIND, 0, 1)
    q = np.where(hidden, np.clip(q, 0, behind), q).astype(np.float32)
    links = find_tears(q, budget_px)
    crumbs = regions.waiting & _fragments(links)
    if crumbs.any():  # torn off from what they are of, they would wait as holes in what is painted around them
        rgb, q = nearest(rgb, hidden, crumbs), np.where(crumbs, np.minimum(nearest(q, hidden, crumbs), behind), q)
        hidden = hidden | crumbs
        links = find_tears(q, budget_px)
    new_cut = _hidden_cuts(links, q, hidden, regions.waiting & ~crumbs)
    both = Links(cut.right | new_cut.right, cut.down | new_cut.down)
    near_hidden = grow(np.flatnonzero(hidden), np.full(int(hidden.sum()), 2 * OVERLAP_PX), _without(links, both), q)
    layer = Layer(rgb, q, np.ones((h, w), np.float32), links, near_hidden.mask, hidden | front.painted)
    return layer, both, hidden


def _bend_to_rims(painted: Float, disparity: Float, tears: TornPairs, hidden: Bool) -> Float:
    """Disparity (H, W) whose `hidden` pixels are bent to meet the far sides of the tears that they are behind.

    Else a crack opens there, as the context that was painted from begins a few pixels beyond those rims. A large step
    stays: something other goes on there than what ends at the tear.
    """
    seam = hidden.ravel()[tears.near] & ~hidden.ravel()[tears.far]
    near, far = tears.near[seam], tears.far[seam]
    bend = disparity.ravel()[far] - painted.ravel()[near]
    small = np.abs(bend) <= MEET
    rim, bends = np.zeros(hidden.shape, bool), np.zeros_like(painted)
    rim.ravel()[near[small]], bends.ravel()[near[small]] = True, bend[small]
    if not rim.any():
        return painted
    distance = cv2.distanceTransform((~rim).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return painted + nearest(bends, rim, hidden & ~rim) * np.exp(-((distance / MEET_PX) ** 2))


def _paint(rgb: Float, disparity: Float, unknown: Bool, context: Bool, fill: Fill) -> tuple[Float, Float]:
    """Both with `unknown` painted; as they are where there is no context."""
    if not context.any():
        return rgb, disparity
    return fill(rgb, np.where(unknown, push_pull(disparity, context), disparity), unknown, context)


def _without_shine(layer: Layer, hidden: Bool) -> Layer:
    """Nearer pixels next to painted ones take their colour, which would else be mixed into the painted rim.

    `hidden` (H, W): what was painted with this layer. What the layer draws keeps its colour.
    """
    q = layer.disparity
    window = np.ones((2 * OVERLAP_PX + 1,) * 2, np.uint8)
    level = cv2.dilate(np.where(hidden, q, -1).astype(np.float32), window)
    nearer = ~layer.drawn & (level >= 0) & (q > level + BEHIND)
    return replace(layer, rgb=nearest(layer.rgb, hidden, nearer))


def _backdrop(hindmost: Layer) -> Layer:
    """A smooth sheet behind everything: what shows through the pinholes that any cut leaves, instead of nothing."""
    h, w = hindmost.disparity.shape
    coarse = (-(-w // BACKDROP_CELL_PX), -(-h // BACKDROP_CELL_PX))
    reach = np.ones((BACKDROP_CELL_PX + 3,) * 2, np.uint8)  # a little over its cell: cells are cut between pixels
    low = cv2.resize(cv2.erode(hindmost.disparity, reach), coarse)
    low = cv2.erode(low, np.ones((3, 3), np.uint8))
    low = np.minimum(cv2.GaussianBlur(low, (0, 0), 2), low)  # between cells it stays behind all that they hold
    q = np.maximum(cv2.resize(low, (w, h), interpolation=cv2.INTER_LINEAR) - BEHIND, 0).astype(np.float32)
    everywhere = np.ones(q.shape, bool)
    return Layer(hindmost.rgb, q, np.ones_like(q), Links.all(q.shape), everywhere, hindmost.painted)


def _without(links: Links, cut: Links) -> Links:
    return Links(links.right & ~cut.right, links.down & ~cut.down)


def _hidden_cuts(links: Links, disparity: Float, hidden: Bool, waiting: Bool) -> Links:
    """Torn links between a painted pixel and a nearer one that was not peeled: the budget never opens those.

    But for those that are `waiting` (H, W) to be peeled.
    """
    q, stays = disparity, ~hidden & ~waiting

    def cut(linked: Bool, one: tuple[slice, ...], other: tuple[slice, ...]) -> Bool:
        before = stays[one] & hidden[other] & (q[one] > q[other])
        behind = hidden[one] & stays[other] & (q[one] < q[other])
        return ~linked & (before | behind)

    return Links(cut(links.right, np.s_[:, :-1], np.s_[:, 1:]), cut(links.down, np.s_[:-1, :], np.s_[1:, :]))

"""The built-in depth network.

Two heads share the decoder: relative disparity (affine-invariant, larger is nearer) and a subject-mask logit
(people, animals, vehicles, furniture that stands out). The decoder ends at half the input's resolution; what is
finer than that comes from snapping depth edges to colour edges afterwards (`inpaint.edges`).
"""

from __future__ import annotations

from torch import Tensor, nn

from inpaint.encoder_decoder import EncoderDecoder, Separable

ENCODER = "tf_efficientnet_lite2"
WIDTHS = (128, 96, 64, 48, 32)


class DepthNetwork(EncoderDecoder):
    """(B, 3, H, W) float32 -> disparity (B, H/2, W/2) and subject logit (B, H/2, W/2).

    The input is sRGB as `inpaint.encoder_decoder.normalise` makes it; H and W are multiples of its `STRIDE`.
    """

    def __init__(self, encoder: str = ENCODER) -> None:
        super().__init__(encoder, 3, WIDTHS)
        self.layout = nn.Sequential(nn.Linear(self.top_channels, WIDTHS[0]), nn.ReLU6(inplace=True))
        self.disparity = nn.Sequential(Separable(WIDTHS[-1], 32), nn.Conv2d(32, 1, 3, padding=1))
        self.subject = nn.Sequential(Separable(WIDTHS[-1], 16), nn.Conv2d(16, 1, 3, padding=1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        *skips, top = self.encoder(image)
        # The whole picture's mean tells near from far where a small window cannot.
        x = self.decode(self.top(top) + self.layout(top.mean(dim=(2, 3)))[:, :, None, None], skips)
        return self.disparity(x)[:, 0], self.subject(x)[:, 0]

import pytest
import torch

from inpaint.encoder_decoder import STRIDE, EncoderDecoder, normalise


@pytest.mark.parametrize(("inputs", "extra"), [(3, 0), (5, 0), (6, 8)])
def test_it_ends_at_stride_2_with_the_last_width(inputs: int, extra: int) -> None:
    network = EncoderDecoder("tf_efficientnet_lite0", inputs, (40, 32, 24, 16, 12), extra=extra).eval()
    with torch.no_grad():
        *skips, top = network.encoder(torch.rand(2, inputs, 2 * STRIDE, 3 * STRIDE))
        skips[0] = torch.cat([skips[0], torch.zeros(2, extra, *skips[0].shape[-2:])], 1)
        assert top.shape == (2, network.top_channels, 2, 3)
        assert network.decode(network.top(top), skips).shape == (2, 12, STRIDE, 3 * STRIDE // 2)


def test_what_the_decoder_makes_depends_on_every_map_of_the_encoder() -> None:
    torch.manual_seed(0)
    network = EncoderDecoder("tf_efficientnet_lite0", 3, (40, 32, 24, 16, 12)).eval()
    with torch.no_grad():
        *skips, top = network.encoder(torch.rand(1, 3, 2 * STRIDE, 2 * STRIDE))
        plain = network.decode(network.top(top), skips)
        for k in range(len(skips)):
            other = [1 - skip if i == k else skip for i, skip in enumerate(skips)]
            assert not torch.allclose(network.decode(network.top(top), other), plain)


def test_middle_grey_is_0() -> None:
    assert normalise(torch.tensor([127.0, 255.0])).tolist() == [0.0, 1.0]

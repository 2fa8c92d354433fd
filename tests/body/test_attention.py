import math

import pytest
import torch
from duologue.body.attention import PairAttention, PositionBias, decay_slopes


def test_slopes_fall_to_a_hundred_millionth_at_the_offsets_that_lda_names():
    # LDA's published code: exp(-m |D|) = 1e-8 at 5/2 to 75/2 frames, geometrically, for its eight heads.
    reach = torch.tensor([2.5, 3.7, 5.4, 8.0, 11.7, 17.3, 25.5, 37.5])
    slopes = decay_slopes(8, 0, (2.5, 37.5))
    torch.testing.assert_close(torch.exp(-slopes * reach), torch.full((8,), 1e-8), rtol=0.25, atol=0)
    assert decay_slopes(8, 2, (2.5, 37.5))[-2:].tolist() == [0, 0]


def test_the_bias_by_hand_for_six_frames():
    bias = PositionBias(heads=1, global_heads=0, field_of_view=(5.0, 5.0), kernels=2)
    with torch.no_grad():
        bias.amplitude.copy_(torch.tensor([[2.0, -0.5]]))
        bias.offset.copy_(torch.tensor([[1.0, -2.0]]))
        bias.sharpness.copy_(torch.tensor([[2.0, 4.0]]))
        bias.base.copy_(torch.tensor([0.7]))

    def by_hand(d):
        rising = 2.0 / (1 + math.exp(-(d - 1) / 2))
        falling = 0.5 / (1 + math.exp((d + 2) / 4))  # the sign of a turns the step round
        return math.log(rising + falling + 0.7 + 1e-8) - math.log(1e8) / 5 * abs(d)

    biases = bias(6)[0]
    for query in range(6):
        for key in range(6):
            assert biases[query, key].item() == pytest.approx(by_hand(key - query), abs=1e-4)


def test_kept_biases_equal_fresh_ones_and_are_forgotten_when_training_goes_on():
    attention = PairAttention(width=8, heads=2, global_heads=1, field_of_view=(3.0, 9.0), kernels=3).eval()
    x = torch.randn(1, 2, 7, 8)
    with torch.no_grad():
        first = attention(x)
        torch.testing.assert_close(attention(x), first, rtol=0, atol=0)
        assert torch.equal(attention.biases(7)[0], attention.own(7))
        attention.own.offset.add_(5.0)
        assert torch.equal(attention(x), first), "evaluation keeps what it has worked out"
        attention.train().eval()
        assert not torch.equal(attention(x), first)


def test_heads_that_decay_do_not_see_the_partner_and_heads_without_decay_do():
    x = torch.randn(1, 2, 5, 8)
    other = x.clone()
    other[:, 1] += 1
    for global_heads, sees in ((0, False), (1, True)):
        attention = PairAttention(8, 2, global_heads, (3.0, 9.0), 3).eval()
        with torch.no_grad():
            assert torch.equal(attention(x)[:, 0], attention(other)[:, 0]) is not sees


def test_performers_share_weights_so_swapping_them_swaps_the_output():
    attention = PairAttention(8, 2, 1, (3.0, 9.0), 3).eval()
    x = torch.randn(2, 2, 6, 8)
    with torch.no_grad():
        torch.testing.assert_close(attention(x.flip(1)), attention(x).flip(1))

"""What a sample's next token may be, as a packed mask, from what the host knows before the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sglc_runtime.constraints.bitmaps import packed, single, unpacked
from sglc_runtime.constraints.matcher import Mask

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun


def unmasked(run: SampleRun) -> bool:
    """Whether the host never looks at a sample's logits, nor at what may come next."""
    return (
        run.constraint is None
        and run.penalties is None
        and not run.recorded
        and run.sampling.min_new_tokens == 0
    )


def known_ahead(run: SampleRun, source: int) -> bool:
    """
    Whether the mask needs neither logits nor a token that is still on the device.

    Where a grammar lets the text end, EOS gets its share of the logits (see `restricting`), which
    only the host does; `source` is -1 where the row's id is known.
    """
    return run.constraint is None or (source < 0 and not run.may_end)


def mask_of(run: SampleRun, token: int, vocab: int) -> Mask | None:
    """
    Mask of token `token` of a sample; None where everything is allowed.

    A constraint's own mask has been filled before. Where a grammar leaves nothing but banned ids,
    it decides, as in `restricting`.
    """
    banned = run.banned_at(token)
    if run.constraint is None:
        return _without(None, banned, vocab) if banned else None
    mask = run.constraint.mask
    assert mask is not None, "a mask was not begun"
    if (forced := run.forced()) is not None:
        return single(forced, vocab)
    if not banned:
        return mask
    longer = _without(mask, banned, vocab)
    return longer if longer.any() else mask


def _without(mask: Mask | None, banned: list[int], vocab: int) -> Mask:
    allowed = np.ones(vocab, dtype=np.bool_) if mask is None else unpacked(mask, vocab).copy()
    allowed[banned] = False
    return packed(allowed)

"""What transformers and its optional companions print while they load, switched off."""

from __future__ import annotations

import logging


def quiet_transformers() -> None:
    """
    Show errors only; progress bars go too.

    torchao, where installed, warns at import about GPU libraries that it cannot load here.
    """
    for name in ("torchao", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from transformers.utils import logging as theirs

    theirs.set_verbosity_error()
    theirs.disable_progress_bar()

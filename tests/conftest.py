"""Settings every test runs under."""

import os
import signal

import hypothesis

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
if not os.path.exists("/dev/nvidiactl"):
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when Triton is imported

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background by a shell: without this neither we nor our children see Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What CI says of a commit must not depend on the day; `--hypothesis-profile=default` searches on.
hypothesis.settings.register_profile("same", derandomize=True, database=None)
hypothesis.settings.load_profile("same")

"""The embedded model through the executor: the text of ordinary passes."""

from __future__ import annotations

from sglc_runtime.config import EngineConfig
from sglc_runtime.protocol import Generate, Sampling, Submit, Text
from sglc_runtime.start import start_engine
from tests.runtime.device.comparing import said
from tests.runtime.device.stepping import Watched
from tests.runtime.engine.driving import run

TIPS = Sampling(max_new_tokens=12, temperature=0.0, stop=("\n",))
DRAWN = Sampling(max_new_tokens=8, temperature=0.8, top_p=0.9, n=2)


def test_text_is_that_of_ordinary_passes() -> None:
    submits = [
        Submit(0, (Text("Q: What is the capital of France?\nA:"),), (Generate(TIPS),)),
        Submit(1, (Text("List two tips for staying healthy."),), (Generate(DRAWN, key=1),)),
    ]
    plain, _ = start_engine(EngineConfig(kv_slots=256, threads=1))
    ahead, info = start_engine(EngineConfig(kv_slots=256, threads=1), run_ahead=True)
    assert info.cuda_graphs == ()
    watched = Watched(ahead)
    want, got = run(plain, submits), run(ahead, submits)
    for submit in submits:
        assert said(got, submit.id)[0] == said(want, submit.id)[0]
    assert "Paris" in str(said(got, 0)[0])
    assert watched.ahead > 3

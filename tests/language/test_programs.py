"""Programs in the shapes of SGLang's examples and benchmarks: both modes see the same prompts."""

import json
from typing import Any

import pytest

import sglc as sgl
from sglc.backends.recording import RecordingBackend

QUESTIONS = ["How many?", "Who?"]


@sgl.function
def few_shot(s, question):  # type: ignore[no-untyped-def]
    s += "Q: Is 2 even?\nA: yes\n\n" + "Q: " + question + "\nA:"
    s += sgl.gen("answer", max_tokens=32, stop=["\n", "Q:"])


@sgl.function
def multi_turn(s, question_1, question_2):  # type: ignore[no-untyped-def]
    s += sgl.system()
    s += sgl.user(question_1)
    s += sgl.assistant(sgl.gen("answer_1", max_tokens=16))
    s += sgl.user(question_2)
    s += sgl.assistant(sgl.gen("answer_2"))


@sgl.function
def chat(s, turns):  # type: ignore[no-untyped-def]
    for turn in turns:
        s += turn
        s += sgl.gen(max_tokens=8, ignore_eos=True)


@sgl.function
def character(s, name):  # type: ignore[no-untyped-def]
    s += name + " is a character. Fill in.\n"
    with s.var_scope("json"):
        s += '{\n  "name": "' + sgl.gen("name", max_tokens=8, stop='"') + '",\n'
        s += '  "house": "' + sgl.select("house", ["A", "B"]) + '"\n}'


@sgl.function
def chains(s, question, num_chains=3):  # type: ignore[no-untyped-def]
    s += "Question: " + question + "\n"
    forks = s.fork(num_chains)
    for i in range(num_chains):
        forks[i] += f"Chain {i + 1}:" + sgl.gen("chain", max_tokens=16, stop="Question")
    forks.join()
    s += "Chains:\n"
    for i in range(num_chains):
        s += f"{i + 1}: " + s["chain"][i].strip() + "\n"
    s += "Answer:" + sgl.gen("answer", max_tokens=8)


@sgl.function
def essay_judge(s, essay):  # type: ignore[no-untyped-def]
    s += "Essay: " + essay + "\n"
    forks = s.fork(3)
    for f, dimension in zip(forks, ["Clarity", "Style", "Logic"], strict=True):
        f += f"{dimension}:" + sgl.gen("judgment", stop=".")
    judgment = "\n".join(f["judgment"] for f in forks)
    s += "Judgments:\n" + judgment + "\nScore:" + sgl.gen("score", max_tokens=2)
    return judgment


def propose(s, depth):  # type: ignore[no-untyped-def]
    s += sgl.user(f"Propose at depth {depth}.")
    forks = s.fork(2)
    forks += sgl.assistant(sgl.gen("plan", max_tokens=8))
    return forks


@sgl.function
def tree_of_thought(s, question):  # type: ignore[no-untyped-def]
    s += sgl.user(question)
    forks_to_search = [s]
    for depth in range(2):
        found = []
        for f in forks_to_search:
            found.extend(propose(f, depth))
        forks_to_search = found
    best = max(range(len(forks_to_search)), key=lambda i: len(forks_to_search[i]["plan"]))
    return best, [f.text() for f in forks_to_search]


@sgl.function
def react(s, question):  # type: ignore[no-untyped-def]
    s += "Question: " + question + "\n"
    for i in range(1, 4):
        s += f"Thought {i}:" + sgl.gen(f"thought_{i}", stop="\n") + "\n"
        s += f"Action {i}: " + sgl.select("action", ["search", "finish"])
        if s["action"] == "finish":
            s += "[" + sgl.gen("result", stop="]") + "]"
            break
        forks = s.fork(1)
        forks[0] += "[" + sgl.gen("query", stop="]") + "]"
        s += f"[{forks[0]['query']}]\nObservation {i}: {len(forks[0]['query'])}\n"
    return i


@sgl.function
def expand(s, tip):  # type: ignore[no-untyped-def]
    s += "Expand: " + tip + "\n" + sgl.gen("detailed_tip", 16, stop=["\n\n"])


@sgl.function
def suggestions(s, topic):  # type: ignore[no-untyped-def]
    s += f"Tips on {topic}:\n1." + sgl.gen("t0", stop="\n") + "\n2." + sgl.gen("t1", stop="\n")
    detailed = [expand(tip=s[f"t{i}"]) for i in range(2)]
    for i in range(2):
        s += f"Tip {i + 1}:" + detailed[i]["detailed_tip"] + "\n"
    s += "Summary:" + sgl.gen("summary")


@sgl.function
def documents(s, docs, question):  # type: ignore[no-untyped-def]
    s += sgl.user_begin() + "Read these:\n"
    forks = s.fork(len(docs))
    forks += lambda i: f"[{i}] {docs[i]}\n"
    forks.join("concate_and_append")
    s += question + sgl.user_end()
    s += sgl.assistant(sgl.gen("answer"))


@sgl.function
def self_check(s, text):  # type: ignore[no-untyped-def]
    s += text
    with s.copy() as tmp:
        tmp += " Check:" + sgl.gen("check")
    s += " Because " + s["check"][0] + sgl.gen("final")


PROGRAMS: list[tuple[Any, dict[str, Any]]] = [
    (few_shot, {"question": "Is 3 even?"}),
    (multi_turn, {"question_1": "a?", "question_2": "b?"}),
    (chat, {"turns": ["one ", "two ", "three "]}),
    (character, {"name": "Ada"}),
    (chains, {"question": "why?"}),
    (chains, {"question": "why?", "num_chains": 1}),
    (essay_judge, {"essay": "It was."}),
    (tree_of_thought, {"question": "24?"}),
    (react, {"question": "where?"}),
    (suggestions, {"topic": "cats"}),
    (documents, {"docs": ["x", "y", "z"], "question": "so?"}),
    (self_check, {"text": "claim"}),
]


def outcome(program: Any, arguments: dict[str, Any], compiled: bool, **how: Any) -> Any:
    backend = RecordingBackend(seeded=True, **how)
    sgl.set_default_backend(backend)
    try:
        state = program.run(**arguments, seed=1, compiled=compiled)
        state.sync()
        values = {
            str(name): state[name] for name in sorted(state.handle.vars, key=str) if name != "json"
        }
        return {
            "text": state.text(),
            "messages": state.messages(),
            "value": state.ret_value,
            "variables": values,
            "error": repr(state.error()),
            "prompts": backend.prompts,
        }
    finally:
        sgl.set_default_backend(None)


@pytest.mark.parametrize(
    ("program", "arguments"), PROGRAMS, ids=[p.func.__name__ for p, _ in PROGRAMS]
)
def test_modes_agree(program: Any, arguments: dict[str, Any]) -> None:
    reference = outcome(program, arguments, compiled=False)
    assert outcome(program, arguments, compiled=True) == reference
    assert outcome(program, arguments, compiled=True, delay=0.0005) == reference
    assert json.dumps(reference["prompts"])
    assert sum(len(p) for p in reference["prompts"].values()) >= 1


def test_batches_agree_with_single_runs() -> None:
    backend = RecordingBackend(seeded=True)
    rows = [{"question": q} for q in QUESTIONS] * 3
    for program in (few_shot, chains, react):
        together = program.run_batch(rows, backend=backend, seed=5)
        alone = [
            program.run(**row, backend=backend, seed=s.seed, compiled=False)
            for row, s in zip(rows, together, strict=True)
        ]
        assert [s.text() for s in together] == [s.text() for s in alone]

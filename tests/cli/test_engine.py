"""`sglc run` with the engine: the embedded model, and models that cannot be used."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.programs import ROOT, command, environment

pytestmark = pytest.mark.engine

CHECKPOINT = ROOT / "runtime" / "sglc_runtime" / "embedded" / "checkpoint"
ASK = """
def main(question: str) -> str:
    "Q: ${question}\\nA:"
    answer = gen(stop="\\n", temperature=0, max_tokens=8)
    return answer.strip()
"""


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "ask.sgl"
    path.write_text(ASK, encoding="utf-8")
    return str(path)


def test_weights_rounded_to_integers(program: str) -> None:
    question = "question=What is the capital of France?"
    done = command("run", program, "-p", question, "--stats", "--quantization", "int8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("=> Paris\n")
    assert "int8" in next(s for s in done.stderr.splitlines() if s.startswith("quantization "))


def test_two_processes_share_the_model(program: str) -> None:
    question = "question=What is the capital of France?"
    done = command("run", program, "-p", question, "--stats", "--tp", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("=> Paris\n")
    assert "2" in next(s for s in done.stderr.splitlines() if s.startswith("tp size ")).split()
    # Nothing is started for a number that cannot work.
    done = command("run", program, "-p", question, "--tp", "5")
    assert done.returncode == 1
    assert "tp_size 5 does not divide the model's 6 attention heads; tp_size 2" in done.stderr


def test_options_that_cannot_be_used_are_no_bug_of_ours(program: str, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "a"}\n{"question": "b"}\n', encoding="utf-8")
    both = ("--attention-backend", "c", "--kv-cache-dtype", "fp8_e4m3")
    done = command("run", program, "-i", str(rows), *both)
    assert done.returncode == 1
    assert done.stderr.count("C attention kernel cannot be used") == 1
    for number in ("3000000000", "99999999999999999999999999"):
        done = command("run", program, "-i", str(rows), "--max-total-tokens", number)
        assert done.returncode == 2
        assert "--max-total-tokens" in done.stderr


def test_help_says_the_names_that_errors_use() -> None:
    shown = command("run", "--help").stdout
    for name in ("kv_slots", "max_running", "chunk_tokens"):
        assert f"({name})" in shown


def test_what_guesses_is_shown_and_changes_nothing(program: str) -> None:
    question = "question=What is the capital of France?"
    done = command("run", program, "-p", question, "--stats", "--speculation", "auto")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("=> Paris\n")
    shown = next(s for s in done.stderr.splitlines() if s.startswith("speculation "))
    assert shown.split()[1] == "ngram+draft"
    done = command("run", program, "-p", question, "--speculation", "auto", "--backend", "openai:x")
    assert done.returncode == 2
    assert "`--speculation` and this `--backend` exclude each other" in done.stderr


def test_answer_and_statistics(program: str) -> None:
    question = "question=What is the capital of France?"
    done = command("run", program, "-p", question, "--stats", "--stream")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Q: What is the capital of France?\nA: Paris\n=> Paris\n"
    for name in ("prompt tokens", "generated tokens", "seconds", "peak memory", "deterministic"):
        assert f"\n{name} " in done.stderr


def test_a_model_folder_is_the_same_model(program: str) -> None:
    question = "question=What is the capital of France?"
    done = command("run", program, "-p", question, "--model", str(CHECKPOINT), "--json")
    assert json.loads(done.stdout)["return_value"] == "Paris", done.stderr


def test_an_adapter_changes_the_model(program: str, tmp_path: Path) -> None:
    """An adapter in PEFT's format, written by hand: the answer is no longer the model's own."""
    import torch
    from safetensors.torch import save_file

    hidden = json.loads((CHECKPOINT / "config.json").read_text())["hidden_size"]
    at = "base_model.model.model.layers.0.self_attn.o_proj.lora_"
    pair = {f"{at}A.weight": torch.ones(2, hidden), f"{at}B.weight": torch.ones(hidden, 2)}
    save_file(pair, tmp_path / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["o_proj"]}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    question = "question=What is the capital of France?"
    done = command("run", program, "-p", question, "--lora", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["return_value"] != "Paris"
    done = command("run", program, "-p", question, "--lora", str(tmp_path / "none"))
    assert done.returncode == 1
    assert "none has no adapter_config.json" in done.stderr
    done = command("run", program, "--lora", "x", "--backend", "openai:y")
    assert done.returncode == 2
    assert "`--lora` and this `--backend` exclude each other" in done.stderr


def test_sampling_defaults_of_the_model(tmp_path: Path) -> None:
    model = shutil.copytree(CHECKPOINT, tmp_path / "model")
    config = json.loads((model / "generation_config.json").read_text())
    (model / "generation_config.json").write_text(json.dumps(config | {"temperature": 0}))
    path = tmp_path / "story.sgl"
    path.write_text('def main():\n    "Once"\n    x = gen(max_tokens=12)\n', encoding="utf-8")
    model_says = ("run", str(path), "--sampling-defaults", "model")
    texts = set()
    for seed in ("5", "6"):
        done = command(*model_says, "--model", str(model), "--seed", seed)
        assert done.returncode == 0, done.stderr
        texts.add(done.stdout)
    assert len(texts) == 1, "greedy text has no seed"
    done = command(*model_says, "--backend", "openai:y")
    assert done.returncode == 2
    assert "exclude each other" in done.stderr


def test_recommended_sampling_is_what_a_program_can_say(tmp_path: Path) -> None:
    from sglc.backends.local import LocalBackend
    from sglc.cli.backends import recommended_sampling

    model = shutil.copytree(CHECKPOINT, tmp_path / "model")
    recommended = {"top_p": 0.8, "top_k": 20, "repetition_penalty": 1.05}
    (model / "generation_config.json").write_text(json.dumps(recommended))
    backend = LocalBackend(str(model), inline=True, kv_slots=64)
    assert recommended_sampling(backend) == {"top_p": 0.8, "top_k": 20}
    backend.shutdown()
    assert recommended_sampling(LocalBackend(str(tmp_path / "none"), inline=True)) == {}


def test_same_seed_same_text(tmp_path: Path) -> None:
    path = tmp_path / "story.sgl"
    path.write_text('def main():\n    "Once"\n    x = gen(max_tokens=20)\n', encoding="utf-8")
    first, again, other = (
        command("run", str(path), "--temperature", "2", "--seed", seed) for seed in ("1", "1", "2")
    )
    assert first.returncode == 0, first.stderr
    assert first.stdout == again.stdout
    assert first.stdout != other.stdout


def test_folder_without_checkpoint(program: str, tmp_path: Path) -> None:
    done = command("run", program, "-p", "question=a", "--model", str(tmp_path))
    assert done.returncode == 2
    expected = f"error[SGL0609]: cannot load a model from `{tmp_path}`: it has no `config.json`"
    assert expected in done.stderr


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [("model.safetensors", 1000, "model.safetensors"), ("tokenizer.json", 100, "tokenizer")],
)
@pytest.mark.parametrize("batch", [False, True])
def test_damaged_checkpoint(
    program: str, tmp_path: Path, name: str, size: int, message: str, batch: bool
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(CHECKPOINT, folder)
    (folder / name).write_bytes((folder / name).read_bytes()[:size])
    (tmp_path / "rows.jsonl").write_text('{"question": "a"}\n' * 3, encoding="utf-8")
    args = ("-i", str(tmp_path / "rows.jsonl")) if batch else ("-p", "question=a")
    done = command("run", program, *args, "--model", str(folder))
    assert done.returncode == 1, done.stderr
    assert "error[SGL0609]: cannot load the model: " in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "answer" not in done.stdout


def test_prompt_longer_than_the_context(program: str) -> None:
    done = command("run", program, "-p", "question=" + "hello " * 3000)
    assert done.returncode == 1
    assert "error[SGL0501]: generation failed: the prompt has " in done.stderr
    assert f"--> {program}:4:14" in done.stderr


def test_prompt_longer_than_the_context_in_python(tmp_path: Path) -> None:
    path = tmp_path / "ask.py"
    path.write_text(
        "import sglc as sgl\n\n\n@sgl.function\ndef main(s, question):\n"
        '    s += question\n    s += sgl.gen("answer", max_tokens=4)\n',
        encoding="utf-8",
    )
    done = command("run", str(path), "-p", "question=" + "hello " * 3000)
    assert done.returncode == 1
    assert "error[SGL0501]: generation failed: the prompt has " in done.stderr
    assert f"--> {path}:7:" in done.stderr


@pytest.mark.parametrize("options", [(), ("--tp", "2")], ids=["one process", "two"])
def test_interrupt(options: tuple[str, ...], tmp_path: Path) -> None:
    """
    Ctrl-C ends a run at once, with what was said so far, and leaves no engine behind. A terminal
    sends it to the whole group of processes.
    """
    path = tmp_path / "long.sgl"
    path.write_text(
        'def main():\n    for i in range(1000):\n        "Count"\n        x = gen(max_tokens=16)\n',
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "sglc", "run", str(path), "--stream", "--seed", "1", *options],
        cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL, process_group=0,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.read(20).startswith("Count")
    children = children_of(process.pid)
    assert children, "the engine is a child of the command"
    children += [follower for child in children for follower in children_of(child)]
    assert len(children) == (2 if options else 1)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr == "interrupted\n"
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def children_of(pid: int | str) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()


def test_options_by_sglang_names_reach_the_engine(program: str) -> None:
    question = "question=What is the capital of France?"
    chosen = ["--max-total-tokens", "500", "--attention-backend", "torch", "--dtype", "float16"]
    done = command("run", program, "-p", question, "--stats", *chosen)
    assert done.returncode == 0, done.stderr
    shown = dict(
        line.rsplit(maxsplit=1) for line in done.stderr.splitlines() if len(line.split()) > 1
    )
    assert shown["kv slots"] == "500"
    assert shown["attention"] == "torch"
    assert shown["dtype"] == "float16"
    assert shown["device"] == "cpu"


def test_engine_options_of_another_backend(program: str) -> None:
    done = command("run", program, "--disable-radix-cache", "--backend", "openai:x")
    assert done.returncode == 2
    assert "`--disable-radix-cache` and this `--backend` exclude each other" in done.stderr

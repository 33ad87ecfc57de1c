"""How the server ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.cli.programs import environment

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"processId": None, "rootUri": None, "capabilities": {}},
}


def message(content: dict[str, object]) -> bytes:
    body = json.dumps(content).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def serve(folder: Path, data: bytes) -> subprocess.CompletedProcess[bytes]:
    """What a server says to a client that sends this and goes away."""
    return subprocess.run(
        [sys.executable, "-m", "sglc", "lsp"],
        input=data, cwd=folder, env=environment(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_client_that_dies_takes_the_server_with_it(tmp_path: Path) -> None:
    done = serve(tmp_path, message(INITIALIZE))
    assert b'"capabilities"' in done.stdout
    assert (done.stderr, done.returncode) == (b"", 1)


def test_exit_without_shutdown_is_an_error(tmp_path: Path) -> None:
    exit_ = {"jsonrpc": "2.0", "method": "exit"}
    assert serve(tmp_path, message(INITIALIZE) + message(exit_)).returncode == 1


def test_garbage_is_no_traceback(tmp_path: Path) -> None:
    unknown: dict[str, object] = {
        "jsonrpc": "2.0", "id": 2, "method": "textDocument/nonsense", "params": {},
    }  # fmt: skip
    wrong: dict[str, object] = {
        "jsonrpc": "2.0", "id": 3, "method": "textDocument/hover", "params": {"position": 3},
    }  # fmt: skip
    shutdown: dict[str, object] = {"jsonrpc": "2.0", "id": 4, "method": "shutdown"}
    exit_: dict[str, object] = {"jsonrpc": "2.0", "method": "exit"}
    sent = [INITIALIZE, unknown, wrong, shutdown, exit_]
    done = serve(tmp_path, b"".join(map(message, sent)))
    assert done.stdout.count(b'"error"') == 2
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


def test_other_commands_do_not_load_the_protocol() -> None:
    code = (
        "import sys; sys.argv = ['sglc', 'check', 'examples']\n"
        "from sglc.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([m for m in sys.modules if m.startswith(('pygls', 'lsprotocol', 'sglc.lsp.'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], env=environment(),
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"

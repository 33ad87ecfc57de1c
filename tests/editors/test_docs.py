"""The page about editors: its configurations are well-formed and start the right command."""

from __future__ import annotations

import json
import re
import tomllib

from tests.cli.programs import ROOT, invoke

PAGE = (ROOT / "docs" / "formatting-and-editors.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def test_configurations() -> None:
    code = json.loads(BLOCKS["json"])
    assert [code["glspc.server.command"], *code["glspc.server.commandArguments"]] == ["sglc", "lsp"]
    helix = tomllib.loads(BLOCKS["toml"])
    server = helix["language-server"][helix["language"][0]["language-servers"][0]]
    assert [server["command"], *server["args"]] == ["sglc", "lsp"]
    for name in ("lua", "elisp"):
        assert '"sglc" "lsp"' in BLOCKS[name].replace(",", "")
        assert BLOCKS[name].count("(") == BLOCKS[name].count(")")


def test_commands_exist() -> None:
    done = invoke("fmt", "--help")
    for option in re.findall(r"sglc fmt (--\w+)", PAGE):
        assert option in done.output
    assert invoke("lsp", "--help").exit_code == 0

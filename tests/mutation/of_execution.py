"""What emitting Python and execution could do wrong."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from sglc.execution import handle
from sglc.frontends.python import rewrite
from tests.mutation.mutant import Seen, patched


@patched("emitting Python", "differential test")
def nothing_settles_before_host_code(patch: pytest.MonkeyPatch, seen: Seen) -> None:
    def settle(self: Any, at: ast.AST) -> ast.stmt:
        seen.changes += 1
        return ast.copy_location(ast.Pass(), at)

    patch.setattr(rewrite._Writer, "settle", settle)


@patched("emitting Python", "differential test")
def a_deferred_append_is_lost(patch: pytest.MonkeyPatch, seen: Seen) -> None:
    real = rewrite._Writer.append

    def append(self: Any, node: ast.AugAssign) -> list[ast.stmt]:
        made = real(self, node)
        if any(isinstance(s, ast.Expr) for s in made):
            seen.changes += 1
            return [ast.copy_location(ast.Pass(), node)]
        return made

    patch.setattr(rewrite._Writer, "append", append)


@patched("execution", "seed test")
def branches_of_a_fork_have_one_seed_path(patch: pytest.MonkeyPatch, seen: Seen) -> None:
    real = handle.fork_path

    def fork_path(path: Any, fork: int, child: int) -> Any:
        seen.changes += 1
        return real(path, fork, 0)

    patch.setattr(handle, "fork_path", fork_path)


@patched("execution", "seed test")
def every_generation_of_a_state_has_one_key(patch: pytest.MonkeyPatch, seen: Seen) -> None:
    real = handle.gen_key

    def gen_key(seed: int, path: Any, index: int) -> int:
        seen.changes += 1
        return real(seed, path, 0)

    patch.setattr(handle, "gen_key", gen_key)

"""
Programs that can be run: scripts, dumps and Python functions behind one interface.

    from sglc.programs import load

    program = load("agent.sgl", allow_extern=["tools"])
    state = program.run(question="What is 12 * 7?")
    print(state.text(), state.ret_value)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sglc.programs.program import Program as Program
    from sglc.programs.program import RunOptions as RunOptions
    from sglc.programs.program import load as load

__all__ = ["Program", "RunOptions", "load"]


def __getattr__(name: str) -> Any:
    """Load on first use: `sglc check` reads programs and runs none."""
    if name in __all__:
        from sglc.programs import program

        return getattr(program, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

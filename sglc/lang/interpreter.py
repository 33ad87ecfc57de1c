"""SGLang's module of this name."""

from sglc.language.executor_view import ExecutorView as StreamExecutor
from sglc.language.state import ProgramState, ProgramStateGroup

__all__ = ["ProgramState", "ProgramStateGroup", "StreamExecutor"]

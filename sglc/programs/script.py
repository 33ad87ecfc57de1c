"""Scripts, interpreted from their IR by the driver."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sglc.execution.files import Files
from sglc.execution.session import ExecOptions, Session
from sglc.ir.core import Func, Module
from sglc.language.function import resolve_backend
from sglc.language.program import run_strand
from sglc.language.sampling import GenParams
from sglc.language.state import ProgramState
from sglc.passes.pipeline import DEFAULT, Pipeline
from sglc.programs.program import Program, RunOptions
from sglc.programs.running import Running
from sglc.programs.target import Target, params_of


def exec_options(pipeline: Pipeline | None, *, eager: bool) -> ExecOptions:
    """What execution may do ahead, by the passes that were chosen."""
    names = {one.name for one in (DEFAULT if pipeline is None else pipeline).passes}
    return ExecOptions(
        hoist=not eager and "prefix-hoist" in names,
        parallel=not eager and "fork-parallel" in names,
        deferred=not eager,
    )


class ScriptProgram(Program):
    """A function of a `.sgl` file, or of a dump of one."""

    def __init__(
        self,
        target: Target,
        module: Module,
        func: Func,
        allow_extern: Collection[str] = (),
        allow_files: Collection[str] = (),
    ) -> None:
        self.target = target
        self.module = module
        self.func = func
        self.allow_extern = frozenset(allow_extern)
        self.files = Files(allow_files)
        self.params = params_of(func)
        self._compiled: dict[str, Module] = {}

    def convert(self, given: Mapping[str, object], *, text: bool) -> dict[str, Any]:
        """Arguments, converted and checked by annotation, schemas included; defaults filled in."""
        from sglc.frontends.script import convert_args

        return convert_args(self.func, given, self.module, text=text)

    def start(self, args: Mapping[str, Any], how: RunOptions) -> Running:
        """Begin a run as a strand of the driver; it takes no thread."""
        from sglc.execution.externs import Externs
        from sglc.execution.interpreter import run_function

        module = self._module(how)
        session = Session(
            resolve_backend(how.backend),
            GenParams(**_renamed(how.sampling)),
            how.seed,
            options=exec_options(how.pipeline, eager=how.eager),
            stream=how.stream,
            file=module.file,
            compiled=not how.eager,
            arguments=dict(args),
        )
        state = ProgramState(session.root())
        func = module.funcs[self.func.name]
        externs = Externs(self.allow_extern, self.target.path.resolve().parent)
        body = run_function(
            module, func, args, session, state.handle, how.limits, externs=externs, files=self.files
        )
        run_strand(state, body)
        return Running(state)

    def _module(self, how: RunOptions) -> Module:
        """The module after the passes; those change a copy, and each pipeline runs once."""
        pipeline = Pipeline() if how.eager else how.pipeline or DEFAULT
        text = str(pipeline)
        if text not in self._compiled:
            from sglc.programs.target import load_module

            module = load_module(self.target)
            if self.target.kind != "sglir":
                pipeline.run(module)
            self._compiled[text] = module
        return self._compiled[text]


def _renamed(sampling: Mapping[str, Any]) -> dict[str, Any]:
    return {("max_new_tokens" if k == "max_tokens" else k): v for k, v in sampling.items()}

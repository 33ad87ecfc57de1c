"""Control flow, local functions, errors and context managers."""

from __future__ import annotations

from tests.differential.fuzzing.appends import ROLES, Appends
from tests.differential.fuzzing.drawing import Prompt

KINDS = ("Exception", "KeyError", "ValueError", "RuntimeError", "(KeyError, TypeError)", "Wrong")


class Control(Appends):
    """Draws statements with blocks."""

    def branching(self) -> None:
        self.emit(f"if {self.condition()}:")
        self.block()
        while self.chance(0.25):
            self.emit(f"elif {self.condition()}:")
            self.block()
        if self.chance(0.5):
            self.emit("else:")
            self.block()

    def block(self, size: int = 0) -> None:
        with self.indented():
            self.statements(size or self.pick([1, 2, 2]))

    def for_loop(self) -> None:
        counter = self.new("k")
        p = self.prompt().source
        kind = self.rng.random()
        strings: list[str] = []
        numbers: list[str] = []
        if kind < 0.4:
            over = self.pick(["range(2)", "range(n)", "range(LIMIT)", "range(0, n)", "range(1, 3)"])
            self.emit(f"for {counter} in {over}:")
            numbers = [counter]
        elif kind < 0.55:
            word = self.new("w")
            self.emit(f"for {counter}, {word} in enumerate(items):")
            numbers, strings = [counter], [word]
        elif kind < 0.7:
            self.emit(f"for {counter} in {self.pick(['items', *self.names.lists])}:")
            strings = [counter]
        elif kind < 0.8 and not self.quiet:
            words = ", ".join(self.string(0.3) for _ in range(self.pick([1, 2])))
            self.emit(f"for {counter} in letters({p}, {words}):")
            strings = [counter]
        elif kind < 0.9:
            word = self.new("w")
            self.emit(f"for {counter}, {word} in zip(range(3), items):")
            numbers, strings = [counter], [word]
        else:
            self.emit(f'for {counter} in ("one ", "two "):')
            strings = [counter]
        with self.loop():
            self.names.numbers += numbers
            self.names.strings += strings
            self.statements(self.pick([1, 2, 3]))
            self.leave_loop()
        self.loop_else()

    def while_loop(self) -> None:
        counter = self.new("c", fresh=True)
        self.emit(f"{counter} = 0")
        bound = self.weighted(
            [(3, f"{counter} < 2"), (2, f"{counter} < 3 and ({self.condition()})")]
        )
        forever = self.chance(0.15)
        self.emit("while True:" if forever else f"while {bound}:")
        with self.loop():
            self.emit(f"{counter} += 1")
            self.names.numbers.append(counter)
            if forever:
                self.emit(f"if {counter} > 2 or {self.condition()}:")
                self.depth += 1
                self.emit("break")
                self.depth -= 1
            self.statements(self.pick([1, 2, 2]))
            self.leave_loop()
        if not forever:
            self.loop_else()

    def leave_loop(self) -> None:
        if self.chance(0.35):
            self.emit(f"if {self.condition()}:")
            self.depth += 1
            if self.chance(0.3):
                self.emit(f"{self.prompt().source} += {self.text()}")
            self.emit(self.pick(["break", "continue", "break", self.returning()]))
            self.depth -= 1

    def loop_else(self) -> None:
        if self.chance(0.25):
            self.emit("else:")
            self.block(1)

    def returning(self) -> str:
        """A `return` with some value."""
        options = ["q", "n", "None", "q + str(n)", self.string()]
        if not self.quiet:
            options += [self.prompt().source, f"[{self.string()}]", f"({self.number()}, q)"]
        return f"return {self.pick(options)}"

    def leaving(self) -> None:
        """An early return, break or continue under a condition."""
        self.emit(f"if {self.condition()}:")
        self.depth += 1
        ways = [self.returning()]
        if self.loops:
            ways += ["break", "continue"]
        self.emit(self.pick(ways))
        self.depth -= 1

    def role_scope(self) -> None:
        prompt = self.prompt()
        if prompt.role and self.chance(0.9):
            self.append_sample()
            return
        items = [f"{prompt.source}.{self.pick(ROLES)}()"]
        if not self.quiet and self.chance(0.15):
            items.append(f'{prompt.source}.var_scope("{self.new("scope")}")')
        if not self.quiet and self.chance(0.1):
            items.insert(self.pick([0, 1]), "Suppressing(ValueError)")
        self.emit(f"with {', '.join(items)}:")
        with self.indented():
            prompt.role = True
            self.names.prompts.append(prompt)
            self.emit(f"{prompt.source} += {self.text(0.3)}")
            self.statements(self.pick([0, 1, 2]))
            prompt.role = False
        prompt.role = False

    def var_scope(self) -> None:
        prompt, name = self.prompt(), self.new("scope")
        self.emit(f'with {prompt.source}.var_scope("{name}"):')
        self.block()
        prompt.variables.append(name)
        if self.chance(0.5):
            self.emit(f'print({prompt.source}["{name}"])')

    def managed(self) -> None:
        """A context manager of the user's."""
        p, name = self.prompt().source, self.new("m")
        kind = self.weighted(
            [
                (2, "Suppressing()"),
                (1, "Suppressing(KeyError, ValueError)"),
                (2, f'tagged({p}, "{self.word()}")'),
                (1, "contextlib.suppress(KeyError, RuntimeError)"),
                (self.style.raising * 3, "Failing()"),
                (self.style.raising, "Failing(enter=True)"),
                (1, "contextlib.nullcontext(q)"),
            ]
        )
        as_name = f" as {name}" if self.chance(0.3) else ""
        more = f', {p}.var_scope("sc{self.serial}")' if self.chance(0.1) else ""
        self.emit(f"with {kind}{as_name}{more}:")
        self.block()

    def attempt(self) -> None:
        """`try` in all its forms."""
        if self.chance(0.04):
            self.grouped_errors()
            return
        self.emit("try:")
        self.block()
        if self.chance(0.4):
            self.depth += 1
            self.raises()
            self.depth -= 1
        handlers = self.pick([0, 1, 1, 1, 2])
        final = not handlers or self.chance(0.35)
        for number in range(handlers):
            name = self.new("e")
            kind = self.pick(KINDS)
            if number == handlers - 1 and self.chance(0.1):
                self.emit("except:")
                with self.indented():
                    self.statements(1)
                continue
            self.emit(f"except {kind} as {name}:")
            with self.indented():
                self.emit(self.pick([f"told({name})", f"print(type({name}).__name__, {name})"]))
                if self.chance(0.5):
                    self.statements(1)
                if self.chance(0.25):
                    self.emit(
                        self.pick(
                            [
                                "raise",
                                f'raise Wrong("again") from {name}',
                                'raise ValueError("other")',
                                f"raise {name}",
                                'raise Wrong("no cause") from None',
                            ]
                        )
                    )
        if handlers and self.chance(0.3):
            self.emit("else:")
            self.block(1)
        if final:
            self.emit("finally:")
            with self.indented():
                self.emit('print("finally")')
                if self.chance(0.5):
                    self.statements(1)
                if self.chance(0.15):
                    self.leaving()

    def grouped_errors(self) -> None:
        """`except*`, and a recursion that ends nowhere."""
        name = self.new("e")
        self.emit("try:")
        with self.indented():
            self.statements(1)
            errors = f'[ValueError("one"), KeyError({self.string()})]'
            self.emit(f'raise ExceptionGroup("several", {errors})')
        self.emit(f"except* {self.pick(['ValueError', 'LookupError', 'Exception'])} as {name}:")
        with self.indented():
            self.emit(f"print({name}, len({name}.exceptions))")
            self.append_text()  # no `return` and its like may stand here
        self.emit("try:")
        self.emit("    deep(0)")
        self.emit("except RecursionError:")
        self.block(1)

    def matching(self) -> None:
        p = self.prompt().source
        value = self.any_read() or "q"
        kind = self.rng.random()
        if kind < 0.4:
            self.emit(f"match {value}.split():")
            cases = ["[first, *rest] if len(rest) > 1", "[first]", "[_, second, *_]", "[]"]
        elif kind < 0.7:
            self.emit(f"match {value}:")
            cases = ['"yes" | "no"', "str(word) if len(word) > 10", "word"]
        else:
            self.emit(f'match {{"kind": {value}, "n": {self.number()}}}:')
            cases = ['{"kind": "yes"}', '{"n": 1 | 2 as number, **others}', '{"kind": word}']
        self.depth += 1
        chosen = [c for c in cases[:-1] if self.chance(0.7)] + [cases[-1]]
        for case in [*chosen, *([] if chosen[-1] == "word" or self.chance(0.3) else ["_"])]:
            self.emit(f"case {case}:")
            with self.indented():
                if "first" in case:
                    self.emit(f"{p} += first")
                elif "word" in case:
                    self.emit(f"{p} += word + {self.constant()}")
                self.statements(1)
        self.depth -= 1

    def local_function(self) -> None:
        """A nested function or lambda; later statements may call it."""
        name, prompt = self.new("g"), self.prompt()
        kind = self.rng.random()
        if kind < 0.2:
            read = self.read(prompt).replace('"missing"', '"set"')
            self.emit(f"{name} = lambda x={self.number()}: {read} + str(x)")
            self.names.calls.append(lambda: self.pick([f"{name}()", f"{name}(q)"]))
            return
        if kind < 0.35:
            self.emit(f'{name} = lambda st, key="{self.key(prompt)}": st[key]')
            self.names.calls.append(lambda: f"{name}({self.prompt().source})")
            return
        takes_state = self.chance(0.6)
        parameters = self.pick(["m", "m=3", "*m", "m, /, k=1", "*, m=2"])
        counter = self.pick([n for n in self.names.numbers if n.isidentifier()])
        if takes_state:
            parameters = f"st, {parameters}"
        if self.chance(0.15):
            self.emit(f'@traced("{name}")')
        self.emit(f"def {name}({parameters}):")
        with self.function():
            if self.chance(0.25) and self.functions == 1 and counter[0] in "nkc":
                self.emit(f"nonlocal {counter}")
                self.emit(f"{counter} += 1")
            inner = Prompt("st") if takes_state else prompt
            if takes_state:
                self.names.prompts = []
            elif self.chance(0.9):
                outer = {p.source for p in self.names.prompts if p.source.isidentifier()}
                self.emit(f"nonlocal {', '.join(sorted({*outer, 's'}))}")
            self.names.prompts.append(inner)
            self.emit(f'{inner.source} += f"{{m}} " + {self.sample(inner)}')
            self.statements(self.pick([0, 1, 2]))
            self.emit(self.pick([self.returning(), f"return {self.read(inner)}"]))

        def call() -> str:
            args = [self.prompt().source] if takes_state else []
            if parameters.endswith("*, m=2"):
                args += self.pick([[], [f"m={self.number()}"]])
            else:
                args.append(self.number())
            return f"{name}({', '.join(args)})"

        self.names.calls.append(call)
        if self.chance(0.6):
            self.emit(f"print({call()})")

    def raises(self) -> None:
        """A statement that raises, mostly under a condition."""
        s = self.prompt().source
        options = [
            f'{s}["missing{self.serial}"]',
            f"{s} += None",
            f"{s} += 3",
            f"{s} += {self.text()} + 1",
            "1 // (n - n)",
            'raise ValueError("raised " + q)',
            'raise Wrong("wrong", where=q)',
            f"{s} += sgl.gen(regex='(')",
            f"{s} += undefined_name",
            f"{s} += {self.text()} + {s}['missing']",
            f'assert {self.condition()}, "asserted"',
            f"del {self.pick(self.names.strings)}" if not self.functions else "q.nothing",
            f"raise RuntimeError({self.string()})",
            'raise Stop("stop")' if self.chance(0.5) else f"{s}.nothing()",
            f"{s} += sgl.gen(1, 2, 3, nothing=4)",
            "raising.run(q)",
            "raise GeneratorExit" if self.chance(0.3) else f"int({self.string()})",
            f"{s} += sgl.user_end()",
            f"{s} += sgl.select('a', choices=[])",
            f"{s} += sgl.select('a', choices=[q, 3])",
            f"{s}.fork(0)",
        ]
        for group in self.names.groups[-1:]:
            options.append(f'{s} += {group.name}[9]["a"]')
        line = self.pick(options)
        if self.chance(0.6):
            self.emit(f"if {self.condition()}:")
            self.depth += 1
            self.emit(line)
            self.depth -= 1
        else:
            self.emit(line)

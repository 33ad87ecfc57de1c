"""Host code: what a Python program does besides its prompts."""

from __future__ import annotations

from tests.differential.fuzzing.control import Control
from tests.differential.fuzzing.drawing import Group, Prompt
from tests.differential.fuzzing.expressions import NAMES


class Hosting(Control):
    """Draws statements with host code."""

    def printing(self) -> None:
        prompt = self.prompt()
        p, read = prompt.source, self.any_read() or "q"
        options = [
            f"print({read})",
            f"log({self.condition()})",
            f'print("in", "{self.pick(NAMES)}" in {p})',
            f"print(len({p}.text()), {p}.error())",
            f"print({p}.messages())",
            f"print(repr({p})[-9:])",
            f"print(list({p}.text_iter())[-1:] and ''.join({p}.text_iter())[-9:])",
            f"{p}.sync()",
            f"print({self.string()}, {self.number()})",
            f"print(sorted([{read}, q, 'm']), {{{read}: n}})",
            f"print([x for x in {read} if x in 'aeiou'][:3])",
            f"print(*{read}.split(), sep='/')",
            f"print(counted({read}), COUNT)",
            f"VARIABLE.set({read})",
            "print(VARIABLE.get())",
        ]
        if not self.loops and not self.functions:
            options.append(f"items.append({self.string()})")
        if prompt.variables:
            key = self.key(prompt)
            options += [
                f'print({p}.get_meta_info("{key}")["completion_tokens"])',
                f"print(''.join({p}.text_iter('{key}'))[:9])",
            ]
        self.emit(self.pick(options))

    def calling(self) -> None:
        """Helpers of the module that get a prompt."""
        prompt = self.prompt()
        p = prompt.source
        options = [
            (3, f"helper({p}, {self.number()})", "helped"),
            (1, f"helper(n={self.number()}, s={p})", "helped"),
            (1, f"helper(*[{p}, {self.number()}])", "helped"),
            (1, f"kwonly(state={p}, text={self.text()})", ""),
            (1, f"kwonly(**{{'state': {p}, 'text': {self.string()}, 'times': 2}})", ""),
            (1, f'variadic({p}, {self.prompt().source}, text={self.string()}, name="va")', "va"),
            (1, f"countdown({p}, {self.pick(['1', '2', 'n'])})", "down"),
            (1, f"Holder({p}).ask({self.string()}).ask(q, limit=n).last", "held"),
            (1, f"Holder.mark({p}, {self.string()})", ""),
            (1, f"outer.run({p}, {self.string()})", ""),
        ]
        if not prompt.role:
            options.append((2, f"asks({p}, {self.text()})", "asked"))
        if self.names.calls:
            options.append((3, self.pick(self.names.calls)(), ""))
        weight_call = self.weighted([(w, (c, v)) for w, c, v in options])
        call, made = weight_call
        kind = self.rng.random()
        if kind < 0.4:
            self.emit(call)
        elif kind < 0.7:
            self.emit(f"print({call})" if "run(" not in call else call)
        elif made in ("asked", "down", "held"):
            name = self.new("t")
            self.emit(f"{name} = {call}")
            self.names.strings.append(name)
        elif call.startswith(("kwonly", "Holder.mark")):
            name = self.new("st")
            self.emit(f"{name} = {call}")
            self.names.prompts.insert(0, Prompt(name, prompt.variables))
        else:
            self.emit(call)
        if made:
            prompt.variables.append(made)

    def running(self) -> None:
        """Other programs; their results are read now or later."""
        p, name = self.prompt().source, self.new("run")
        text = self.text()
        options = [
            lambda: self.emit(f'{p} += nested.run({text}, k=n)["inner"]'),
            lambda: self.emit(f"{p} += nested.run(q={text}).ret_value"),
            lambda: self.emit(f'{p} += silent({text})["inner"] + "."'),
            lambda: self.started(name, f"nested.run({text})"),
            lambda: self.started(name, f"silent.run(q={text})"),
            lambda: self.started(name, f"nested.bind(k=2).run({text})"),
            lambda: self.started(name, f"recursive.run({text}, {self.pick(['1', '2', 'n'])})"),
            lambda: self.started(name, f"failing.run({text})"),
            lambda: self.batched(name, text),
            lambda: self.local_program(name),
            lambda: self.emit(f"{p} += [r.text() for r in [silent.run({text})]][0]"),
        ]
        self.pick(options)()

    def local_program(self, name: str) -> None:
        """A program defined inside, over variables of the one around it."""
        string, number = self.pick(self.names.strings), self.pick(self.names.numbers)
        program = self.new("inner", fresh=True)
        self.emit("@sgl.function")
        self.emit(f"def {program}(s, extra):")
        self.depth += 1
        self.emit(f's += f"{{extra}} {{{number}}} " + {string} + sgl.gen("inner", max_tokens=3)')
        if self.chance(0.5):
            self.emit('s += "then " + s["inner"] + sgl.gen("more", max_tokens=2)')
        self.emit(self.pick(['return s["inner"] + extra', f"return {string}", 'print(s["inner"])']))
        self.depth -= 1
        self.started(name, f"{program}.run({self.string()})")

    def started(self, name: str, call: str) -> None:
        """A run that is kept for later."""
        self.emit(f"{name} = {call}")
        self.names.runs.append((name, "inner"))
        if self.chance(0.4):
            what = self.pick([".text()", ".error()", ".ret_value", '["inner"]', ".messages()"])
            self.emit(f"print({name}{what})")

    def batched(self, name: str, text: str) -> None:
        threads = self.pick(["", ", num_threads=1", ", num_threads=2"])
        program = self.pick(["nested", "silent"])
        self.emit(f'{name} = {program}.run_batch([{{"q": {text}}}, {{"q": q}}]{threads})')
        self.emit(f'print([r["inner"] for r in {name}])')

    def awaiting(self) -> None:
        """What an `async def` program awaits."""
        p, name = self.prompt().source, self.new("run")
        if self.functions:
            self.printing()
            return
        text = self.text()
        options = [
            lambda: self.emit("await asyncio.sleep(0)"),
            lambda: self.started(name, f"await nested.arun({text})"),
            lambda: self.started(name, f"await silent.arun(q={text})"),
            lambda: self.emit(f'{p} += (await silent.arun({text}))["inner"] + "."'),
            lambda: self.emit(f"print(await later({text}, q))"),
            lambda: self.managed_later(),
            lambda: self.emit(f"{p} += ''.join([w async for w in words({text})])"),
        ]
        prompt = self.prompt()
        if prompt.variables:
            wait = f'await {prompt.source}.wait("{self.key(prompt)}")'
            options.append(lambda: self.emit(wait))
        self.pick(options)()

    def managed_later(self) -> None:
        """`async with` and `async for`."""
        p, word = self.prompt().source, self.new("w")
        if self.chance(0.5):
            self.emit(f'async with alogged("{self.word()}"):')
            self.block()
        else:
            self.emit(f"async for {word} in words({self.string()}, q):")
            with self.loop():
                self.emit(f"{p} += {word}")
                self.statements(1)
                self.leave_loop()
            self.loop_else()

    def storing(self) -> None:
        """Prompts in containers and attributes."""
        prompt, name = self.prompt(), self.new("box")
        shape = self.pick(
            [
                ("[{p}]", "[0]"),
                ('{{"k": {p}}}', '["k"]'),
                ("({p}, q)", "[0]"),
                ("[[{p}]]", "[0][-1]"),
                ("Holder({p})", ".state"),
            ]
        )
        self.emit(f"{name} = {shape[0].format(p=prompt.source)}")
        stored = Prompt(name + shape[1], prompt.variables)
        if not shape[0].startswith("("):
            self.names.prompts.insert(0, stored)
            text = self.text()
            self.emit(f"{stored.source} += {text} + {self.sample(stored)}")
        if self.chance(0.2):
            self.emit(f"KEPT.append({prompt.source})")

    def comprehending(self) -> None:
        """Comprehensions that append, fork or read."""
        p, name = self.prompt().source, self.new("xs")
        options = [
            f"{name} = [asks({p}, w) for w in [q]]",
            f"{name} = [str(helper(st, 2)) for st in {p}.fork(2)]",
            f'{name} = [w + str(i) for i, w in enumerate([{self.string()}, "z"]) if len(w) > i]',
            f"{name} = list(letters({p}, *items))",
            f"{name} = [(lambda k=k: str(k))() for k in range(n)]",
            f"{name} = sorted({{w for w in [{self.string()}, q]}})",
            f"{name} = [v for v in {{w: len(w) for w in [{self.string()}]}}]",
            f"{name} = [(last{self.serial} := w) for w in [q, {self.string()}]]",
            f"{name} = list(map(lambda w: w + '!', [{self.string()}]))",
        ]
        if "asks" in options[0] and self.names.prompts[-1].role:
            options = options[1:]
        self.emit(self.pick(options))
        self.names.lists.append(name)

    def forgetting(self) -> None:
        """`del`, and names that are bound anew."""
        removable = [n for n in self.names.strings if n != "q"]
        if removable and not self.functions and not self.loops:
            name = self.pick(removable)
            self.emit(f"del {name}")
            self.names.strings = [n for n in self.names.strings if n != name]
            return
        self.printing()

    def grouped(self) -> None:
        """Forks seen from further away: counted, zipped, sliced, forked again."""
        if not self.names.groups:
            self.fork()
            return
        group = self.pick(self.names.groups)
        p, g = self.prompt().source, group.name
        other = self.new("forks")
        inner = Group(other, "2", list(group.variables), f"{g}[0]")
        variable = self.pick(group.variables or ["missing"])
        options = [
            lambda: self.emit(f"in_threads({g}, {self.constant()})"),
            lambda: self.emit(f'in_threads({g}, "again ")'),
            lambda: self.emit(f'print([f["{variable}"] for f in {g}.states[1:]])'),
            lambda: self.emit(f"print(len({g}), [len(f.text()) for f in {g}])"),
            lambda: self.emit(f"for a, b in zip({g}, {g}): a += {self.constant()}"),
            lambda: self.emit(f"{p} += {g}[0].text()[-5:]"),
            lambda: (
                self.emit(f"{other} = {g}[0].fork(2)"),
                self.branches(inner, Prompt(f"{g}[0]", list(group.variables))),
                self.names.groups.append(inner),
            ),
            lambda: self.emit(f"print([f.error() for f in {g}])"),
            lambda: self.emit(f"{g}[-1].sync()"),
        ]
        self.pick(options)()

"""Statements that append, fork and join."""

from __future__ import annotations

from tests.differential.fuzzing.drawing import Group, Prompt
from tests.differential.fuzzing.expressions import Expressions

ROLES = ("user", "assistant", "system")


class Appends(Expressions):
    """Draws statements about prompts."""

    def append_text(self) -> None:
        self.emit(f"{self.prompt().source} += {self.text()}")

    def append_sample(self) -> None:
        prompt = self.prompt()
        text = self.text()
        shape = self.pick(["{t} + {g}", "{t} + {g}", "{g}", '{g} + "." + {t}', "{t} + {g} + {u}"])
        later = self.text(0.2)  # before the sample's variable is there
        sample = self.sample(prompt)
        self.emit(f"{prompt.source} += " + shape.format(t=text, g=sample, u=later))

    def append_role(self) -> None:
        prompt = self.prompt()
        p = prompt.source
        role = self.pick(ROLES)
        text = self.text()
        kind = self.rng.random()
        if kind < 0.45:
            self.emit(f"{p} += sgl.{role}({text})")
            sample = self.sample(prompt)
            self.emit(f"{p} += sgl.assistant({sample})")
        elif kind < 0.6:
            self.emit(f"{p}.{role}({text})")
            self.emit(f"{p}.assistant({self.sample(prompt)})")
        elif kind < 0.7:
            self.emit(f"{p} += {p}.{role}({text})")
        elif kind < 0.85:
            sample = self.sample(prompt)
            self.emit(f"{p} += sgl.{role}_begin() + {text} + {sample} + sgl.{role}_end()")
        elif kind < 0.92:
            self.emit(f"{p} += sgl.{role}({text}) + sgl.assistant({self.sample(prompt)})")
        else:
            self.emit(f"{p} += sgl.{role}_begin()")
            self.emit(f"{p} += {text}")
            self.emit(f"{p} += sgl.{role}_end()")

    def take(self) -> None:
        """A read into a local name."""
        read = self.any_read()
        if read is None:
            self.append_sample()
            return
        name = self.new("t")
        shapes = [(8, "{t} = {r}"), (1, "{t}: str = {r}"), (1, "{t} = {u} = {r}")]
        if not self.quiet:
            shapes += [(1, "{t}, {u} = {r}, q"), (1, "{t}, *{u} = {r}.split() or [q]")]
        other = self.new("u")
        self.emit(self.weighted(shapes).format(t=name, r=read, u=other))
        self.names.strings.append(name)

    def rebind(self) -> None:
        """Parameters and prompts that get another value."""
        kind = self.rng.random()
        if self.functions:
            self.take()
        elif kind < 0.3:
            self.emit(f"q = {self.string()}")
        elif kind < 0.5:
            self.emit("n = 1 + (n + 1) % 3")
        elif kind < 0.7:
            self.emit(f'key = "{self.key(self.prompt())}"')
            self.names.strings.append("key")
        elif self.quiet:
            self.compute()
        elif kind < 0.85 and not self.loops:
            parent = self.prompt()
            self.emit(f"s = {parent.source}.fork(1)[0]")
        elif len(self.names.prompts) > 1 and self.names.prompts[0].source.isidentifier():
            other = self.names.prompts[0].source
            self.emit(f"s, {other} = {other}, s")
        else:
            self.emit("items = [q, *items][:2]")

    def bind(self) -> None:
        """A variable that the program sets."""
        prompt = self.prompt()
        name = self.pick(["set", "note", "a"])
        value = self.string(0.3)
        if self.quiet or self.chance(0.7):
            self.emit(f'{prompt.source}["{name}"] = {value}')
        else:
            self.emit(f'{prompt.source}.set_var("{name}", {value})')
        prompt.variables.append(name)

    def compute(self) -> None:
        """Plain local variables."""
        kind = self.rng.random()
        if kind < 0.4:
            name = self.new("n")
            self.emit(f"{name} = {self.number()}")
            self.names.numbers.append(name)
        elif kind < 0.6:
            name = self.new("t")
            self.emit(f"{name} = {self.string()}")
            self.names.strings.append(name)
        elif kind < 0.7 and len(self.names.strings) > 1 and not self.functions:
            self.emit(f"{self.pick(self.names.strings[1:])} += {self.string()}")
        elif kind < 0.8 and not self.quiet:
            name, prompt = self.new("st"), self.prompt()
            self.emit(f"{name} = {prompt.source}")
            self.names.prompts.insert(0, Prompt(name, prompt.variables))
        elif kind < 0.9:
            name = self.new("xs")
            items = [self.string() for _ in range(self.pick([1, 2]))]
            self.emit(f"{name} = [{', '.join(items)}]")
            self.names.lists.append(name)
        else:
            name = self.new("n")
            self.emit(f"{name} = len({self.string()})")
            self.names.numbers.append(name)

    # Forks

    def fork(self) -> None:
        parent = self.prompt()
        size = self.weighted([(4, "2"), (2, "3"), (2, "n"), (1, "1"), (0.5, "len(items) + 1")])
        if self.forks or self.loops:
            size = "2"
        name = self.new("forks")
        kind = self.rng.random()
        if kind < 0.06 and not self.quiet:
            first, second = self.new("f"), self.new("f")
            self.emit(f"{first}, {second} = {parent.source}.fork(2)")
            for child in (first, second):
                inner = Prompt(child, list(parent.variables))
                text = self.text()
                self.emit(f"{child} += {text} + {self.sample(inner)}")
                self.names.prompts.insert(0, inner)
            return
        if kind < 0.1 and not self.quiet:
            self.emit(f"{name} = branches({parent.source}, {size})")
        else:
            call = self.weighted([(8, f"fork({size})"), (1, f"fork(size={size})")])
            self.emit(f"{name} = {parent.source}.{call}")
        if not self.quiet and self.chance(0.3):
            self.emit(f"KEPT.append({name})")
        group = Group(name, size, list(parent.variables), parent.source)
        many = kind < 0.1 and not self.quiet
        self.branches(group, parent)
        if self.chance(0.35) and not many:
            self.join(group, parent)
        self.names.groups.append(group)
        if self.chance(0.6):
            self.collect(group, parent)

    def branches(self, group: Group, parent: Prompt) -> None:
        """Something on every branch."""
        child, index = self.new("f"), self.new("i")
        self.forks += 1
        kind = self.rng.random()
        inner = Prompt(child, list(parent.variables))
        made: list[str] = []
        numbers = [index]
        strings: list[str] = []
        if kind < 0.05 and not self.quiet:
            self.all_at_once(group, parent)
            self.forks -= 1
            return
        if kind < 0.1:
            for number in range(int(group.size) if group.size.isdigit() else 1):
                only = Prompt(f"{group.name}[{number}]", list(parent.variables))
                text = self.text()
                self.emit(f"{only.source} += {text} + {self.sample(only)}")
                made = (
                    only.variables[-1:] if not number else [v for v in made if v in only.variables]
                )
            group.variables += made
            self.forks -= 1
            return
        if kind < 0.4:
            start = self.weighted([(5, ""), (1, ", 1")])
            self.emit(f"for {index}, {child} in enumerate({group.name}{start}):")
        elif kind < 0.6:
            self.emit(f"for {child} in {group.name}:")
            numbers = []
        elif kind < 0.75:
            value = self.new("v")
            values = self.pick(['["x", "y", "z"]', "items", "range(9)"])
            self.emit(f"for {value}, {child} in zip({values}, {group.name}):")
            numbers = []
            strings = [value] if values != "range(9)" else []
        elif kind < 0.8 and not self.quiet:
            self.emit(f"for {child} in reversed(list({group.name})):")
            numbers = []
        else:
            self.emit(f"for {index} in range({group.size}):")
            inner = Prompt(f"{group.name}[{index}]", list(parent.variables))
        with self.loop():
            self.names.prompts.append(inner)
            self.names.numbers += numbers
            self.names.strings += strings
            before = len(inner.variables)
            text = self.text(0.3)
            self.emit(f"{inner.source} += {text} + {self.sample(inner)}")
            made = inner.variables[before:]
            if self.chance(0.6):
                self.statements(self.pick([1, 1, 2]))
        self.forks -= 1
        group.variables += made

    def all_at_once(self, group: Group, parent: Prompt) -> None:
        """`forks += ...`, which appends to every branch."""
        only = Prompt(group.name, list(parent.variables))
        options = [self.sample(only), 'lambda i: f"branch {i} "', '["x ", "y ", "z "]']
        self.emit(f"{group.name} += {self.pick(options)}")

    def join(self, group: Group, parent: Prompt) -> None:
        mode = self.weighted(
            [
                (2, ""),
                (1, '"gather_variable"'),
                (2, '"concate_and_append"'),
                (0.3, 'mode="concate_and_append"'),
                (self.style.raising, '"other"'),
            ]
        )
        self.emit(f"{group.name}.join({mode})")
        new = [v for v in group.variables if v not in parent.variables]
        if "concate" not in mode and new and not self.quiet:
            self.emit(f'print({parent.source}["{self.pick(new)}"])')

    def collect(self, group: Group, parent: Prompt) -> None:
        """Read something of every branch."""
        if not group.variables:
            return
        index, variable = self.new("i"), self.pick(group.variables)
        kind = self.rng.random()
        if kind < 0.4:
            self.emit(f"for {index} in range({group.size}):")
            self.depth += 1
            self.emit(f'{parent.source} += "r:" + {group.name}[{index}]["{variable}"] + "\\n"')
            self.depth -= 1
        elif kind < 0.6:
            child = self.new("f")
            self.emit(f"for {index}, {child} in enumerate({group.name}):")
            self.depth += 1
            value = f"{child}['{variable}']"
            self.emit(f'{parent.source} += f"{{{index}}}: {{{value}}} "')
            self.depth -= 1
        elif kind < 0.7 and not self.quiet:
            child = self.new("f")
            self.emit(
                f'{parent.source} += "; ".join({child}["{variable}"] for {child} in {group.name})'
            )
        elif kind < 0.8 and not self.quiet:
            child, name = self.new("f"), self.new("xs")
            condition = f' if "e" in {child}["{variable}"]' if self.chance(0.4) else ""
            self.emit(f'{name} = [{child}["{variable}"] for {child} in {group.name}{condition}]')
            self.names.lists.append(name)
        elif kind < 0.9 and not self.quiet:
            child = self.new("f")
            self.emit(f'best = max({group.name}, key=lambda {child}: len({child}["{variable}"]))')
            self.emit(f'{parent.source} += best["{variable}"]')
        else:
            self.emit(
                f'{parent.source} += {group.name}[0]["{variable}"] + {group.name}[-1]["{variable}"]'
            )

    def branch(self) -> None:
        """Something on one branch of a fork, which the others do not have."""
        if not self.names.groups:
            self.append_text()
            return
        group = self.pick(self.names.groups)
        only = Prompt(f"{group.name}[{group.index(self.rng)}]", list(group.variables))
        text = self.text(0.4)
        self.emit(f"{only.source} += {text} + {self.sample(only)}")

    def copying(self) -> None:
        """`with s.copy() as c`."""
        parent, child = self.prompt(), self.new("c")
        inner = Prompt(child, list(parent.variables))
        self.emit(f"with {parent.source}.copy() as {child}:")
        with self.indented():
            self.names.prompts.append(inner)
            self.statements(self.pick([1, 2]))
            self.emit(f"{child} += {self.sample(inner)}")
        new = [v for v in inner.variables if v not in parent.variables]
        if new:
            self.emit(f'print({parent.source}["{self.pick(new)}"])')

    def statements(self, count: int) -> None:
        """Draw statements; the whole generator knows how."""
        raise NotImplementedError

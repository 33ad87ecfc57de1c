# ruff: noqa
"""
Plain Python functions whose behaviour is easy to get subtly wrong when code is compiled again.

Each entry of `PROBES` is a function, or a factory of one, with its arguments. The test runs the
user's own function and the recompiled one on equal arguments and compares all that can be seen.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

SETTING = "global"
shadowed = "global"
counter = 0


@dataclass(frozen=True)
class Probe:
    """A function to compare, made anew for each side when `factory` is set."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    factory: bool = False

    @property
    def name(self) -> str:
        return f"{self.function.__name__}{self.args}"


def make_closure():
    k = 10

    def bump():
        nonlocal k
        k += 1
        return k

    def closure():
        bump()
        first = k
        bump()
        return first, k

    return closure


def make_rebinding_closure():
    total = 0

    def add(n):
        nonlocal total
        for i in range(n):
            total += i
        return total

    return add


def branches(a):
    if a > 2:
        x = "big"
    elif a == 2:
        x = "two"
    else:
        x = "small"
    return x


def while_else(n):
    i = 0
    while i < n:
        i += 1
        if i == 3:
            break
    else:
        return "else", i
    return "broke", i


def while_walrus(items):
    out = []
    while (item := items.pop()) > 1:
        out.append(item)
    return out, item


def for_mutates():
    items, out = [1, 2, 3], []
    for item in items:
        out.append(item)
        if item == 1:
            items.append(9)
    return out, item


def for_continue(items):
    seen = []
    for item in iter(items):
        if item % 2:
            continue
        seen.append(item)
    else:
        seen.append("else")
    return seen


def unbound(flag):
    if flag:
        value = 1
    return value


def unbound_shadow(flag):
    if flag:
        shadowed = 1
    return shadowed


def lambdas():
    made = []
    for i in range(3):
        made.append(lambda: i)
    return [f() for f in made]


def generator_expression():
    n = 3
    return sum(n * j for j in range(4))


def nested_comprehension():
    rows, k = [[1, 2], [3]], 2
    return [[k * y for y in row if (lambda q: q + k)(y)] for row in rows]


def inner_function():
    t = 1

    def inc():
        inner = t + 1
        return inner

    t = 5
    return inc()


def inner_nonlocal():
    t = 1

    def inc():
        nonlocal t
        t += 1

    inc()
    inc()
    return t


def walrus_in_comprehension(items):
    result = [y := x + 1 for x in items]
    return result, y


def try_everything(x):
    log = []
    try:
        try:
            log.append("t")
            if x == 0:
                raise ValueError("v")
            if x == 1:
                return log
            log.append(1 // (x - 2))
        except ValueError as error:
            log.append(str(error))
        else:
            log.append("else")
        finally:
            log.append("finally")
    except ZeroDivisionError as error:
        log.append(type(error).__name__)
    return log


def except_name_is_deleted():
    try:
        raise KeyError(1)
    except KeyError as error:
        pass
    return error


def finally_overrides():
    try:
        return "a"
    finally:
        return "b"  # noqa: B012


def finally_breaks():
    for i in range(3):
        try:
            continue
        finally:
            if i == 1:
                break  # noqa: B012
    return i


def reraises():
    try:
        raise ValueError("original")
    except ValueError:
        raise


def chains():
    try:
        raise ValueError("a")
    except ValueError:
        raise KeyError("b")  # noqa: B904


def chains_from():
    try:
        raise ValueError("a")
    except ValueError as error:
        raise KeyError("b") from error


def bare_raise():
    raise


def bare_raise_in_helper():
    def again():
        raise

    try:
        1 / 0
    except ZeroDivisionError:
        again()


def exception_group():
    caught = []
    try:
        raise ExceptionGroup("g", [ValueError(1), KeyError(2)])
    except* ValueError as group:
        caught.append(len(group.exceptions))
    except* KeyError:
        caught.append("key")
    return caught


def with_break():
    log = []

    @contextlib.contextmanager
    def manager() -> Iterator[int]:
        log.append("in")
        try:
            yield 7
        finally:
            log.append("out")

    with manager() as value:
        log.append(value)
        for i in range(3):
            if i == 1:
                break
    return log, i


def with_suppress():
    with contextlib.suppress(ZeroDivisionError):
        a = 1 // 0
    return "ok" if "a" not in dir(sys) else a


def deleted(x):
    y = x
    del y
    return y


def signature(a, b=2, *args, c=3, **kw):
    return a, b, args, c, kw


def truth_raises():
    class Odd:
        def __bool__(self):
            raise RuntimeError("no truth")

    if Odd():
        return 1


def prints():
    for i in range(2):
        print("x", i)
    return SETTING


def return_from_loops():
    for i in range(5):
        for j in range(5):
            if i * j == 6:
                return i, j


def divides(x):
    a = 1
    if x:
        b = a / (x - 1)
    return b


def multi_line_failure(x):
    # fmt: off
    return (
        1
        + 2
        + [][x]
        + 4
    )
    # fmt: on


def inner_class():
    k = 4

    class C:
        v = k + 1

    return C.v


def exception_info():
    try:
        1 / 0
    except ZeroDivisionError:
        return sys.exc_info()[0].__name__


def in_place():
    xs = ys = [1]
    xs += [2]
    return xs is ys, ys


def unpacks():
    a, (b, *c) = 1, (2, 3, 4)
    for p, q in [(1, 2)]:
        pass
    return a, b, c, p, q


class Private:
    def __init__(self):
        self.__z = 5

    def mangled(self):
        if True:
            return self.__z

    def mangled_nested(self):
        def inner():
            return self.__z + 1

        return inner()

    def uses_class_cell(self):
        return __class__.__name__


def recursion():
    def go(n):
        return 1 if n == 0 else n * go(n - 1)

    return go(5)


def recursion_by_global(n):
    return 1 if n == 0 else n * recursion_by_global(n - 1)


def annotated():
    x: int = 5
    return x


def annotation_only(n):
    total: float
    total = n
    return total


def matches(value):
    match value:
        case [a, b]:
            return a + b
        case {"k": str(k), **rest}:
            return k, rest
        case int(n) if n > 3:
            return "big"
        case _:
            return 0


def uses_global():
    global counter
    counter += 1
    return counter


def exhausted():
    return next(iter([]))


def star(*items):
    first, *rest = items
    return first, rest


def deep(n):
    try:
        for i in range(n):
            with open("/dev/null") as file:
                if i == 2:
                    return file.name, i
    finally:
        n = None


def raises_with_local():
    x = 1
    raise ValueError(x)


def docstring():
    """What this says."""
    return docstring.__doc__


def assertion(x):
    assert x > 1, f"too small: {x}"
    return x


def chained_comparison(x):
    return 1 < (x := x + 1) < 5, x


def decorated_inner():
    def twice(f):
        return lambda v: f(f(v))

    @twice
    def add(v):
        return v + 1

    return add(1)


def star_args(values, options):
    return "{}-{}-{k}".format(*values, **options)


def loop_variable_after():
    for i in []:
        pass
    return i


def qualified():
    return sys._getframe().f_code.co_qualname


PROBES = [
    Probe(make_closure, factory=True),
    Probe(make_rebinding_closure, (4,), factory=True),
    *(Probe(branches, (n,)) for n in (1, 2, 9)),
    *(Probe(while_else, (n,)) for n in (2, 9)),
    Probe(while_walrus, ([0, 3, 4],)),
    Probe(for_mutates),
    Probe(for_continue, ([1, 2, 3, 4],)),
    *(Probe(unbound, (f,)) for f in (False, True)),
    Probe(unbound_shadow, (False,)),
    Probe(lambdas),
    Probe(generator_expression),
    Probe(nested_comprehension),
    Probe(inner_function),
    Probe(inner_nonlocal),
    Probe(walrus_in_comprehension, ([1, 2],)),
    *(Probe(try_everything, (n,)) for n in (0, 1, 2, 3)),
    Probe(except_name_is_deleted),
    Probe(finally_overrides),
    Probe(finally_breaks),
    Probe(reraises),
    Probe(chains),
    Probe(chains_from),
    Probe(bare_raise),
    Probe(bare_raise_in_helper),
    Probe(exception_group),
    Probe(with_break),
    Probe(with_suppress),
    Probe(deleted, (1,)),
    Probe(signature, (1,)),
    Probe(truth_raises),
    Probe(prints),
    Probe(return_from_loops),
    *(Probe(divides, (n,)) for n in (0, 1, 2)),
    Probe(multi_line_failure, (3,)),
    Probe(inner_class),
    Probe(exception_info),
    Probe(in_place),
    Probe(unpacks),
    Probe(Private.mangled, (Private(),)),
    Probe(Private.mangled_nested, (Private(),)),
    Probe(Private.uses_class_cell, (Private(),)),
    Probe(recursion),
    Probe(recursion_by_global, (5,)),
    Probe(annotated),
    Probe(annotation_only, (3,)),
    *(Probe(matches, (v,)) for v in ([1, 2], {"k": "v", "z": 1}, 9, 2, "x")),
    Probe(uses_global),
    Probe(exhausted),
    Probe(star, (1, 2, 3)),
    Probe(star),
    Probe(deep, (5,)),
    Probe(raises_with_local),
    Probe(docstring),
    Probe(chained_comparison, (1,)),
    Probe(decorated_inner),
    Probe(star_args, ((1, 2), {"k": 3})),
    Probe(loop_variable_after),
    Probe(qualified),
]

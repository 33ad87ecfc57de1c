"""From parse trees to definitions and statements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import cast

from lark import Token, Tree

from sglc.expressions.build import MAX_DEPTH, ExprBuilder
from sglc.expressions.nodes import (
    Attribute,
    Binary,
    BinaryOp,
    Expr,
    Index,
    Literal,
    Name,
    Node,
    Slice,
    Text,
)
from sglc.expressions.problem import Problem
from sglc.frontends.script.ast import (
    Assign,
    Emit,
    ExprStmt,
    Extern,
    For,
    Fork,
    Function,
    Handler,
    If,
    Import,
    Item,
    Leave,
    LiteralType,
    NamedType,
    Param,
    Pass,
    Raise,
    Return,
    Role,
    Schema,
    SchemaField,
    Stmt,
    Try,
    TypeExpr,
    UnionType,
    Use,
    While,
)
from sglc.ir.core import Loc

Branch = Tree[Token] | Token | None


class ScriptBuilder(ExprBuilder):
    """Builds definitions of one file from trees with the file's own positions."""

    path: tuple[str, ...] = ()
    """Names of the functions around."""

    # ---- definitions -----------------------------------------------------------------------------

    def items(self, tree: Tree[Token]) -> list[Item]:
        """Every definition of a parsed chunk."""
        return [self.item(cast("Tree[Token]", child)) for child in tree.children]

    def item(self, tree: Tree[Token]) -> Item:
        """One definition."""
        kids = tree.children
        match str(tree.data):
            case "import_stmt":
                return self._import(tree, kids)
            case "use_stmt":
                settings = tuple(
                    self.keyword(cast("Tree[Token]", k)) for k in kids if k is not None
                )
                return Use(settings, loc=self.loc(tree))
            case "schema_def":
                return self._schema(kids)
            case "extern_def":
                name, params, returns, target = kids
                token = cast(Token, target)
                return Extern(
                    self.name(cast(Token, name)),
                    self._params(params),
                    self._optional_type(returns),
                    self._constant_string(token),
                    Node(loc=self.loc(token)),
                    loc=self.loc(cast(Token, name)),
                )
            case "func_def" | "fragment_def":
                return self._function(str(tree.data), kids)
        raise AssertionError(f"no definition is called {tree.data}")

    def _function(self, kind: str, kids: Sequence[Branch]) -> Function:
        name, params, returns, suite = kids
        token = cast(Token, name)
        around = self.path
        self.path = (*around, self.name(token))
        try:
            return Function(
                "function" if kind == "func_def" else "fragment",
                str(token),
                self._params(params),
                self._optional_type(returns),
                self.suite(suite),
                ".".join(self.path),
                loc=self.loc(token),
            )
        finally:
            self.path = around

    def _import(self, tree: Tree[Token], kids: Sequence[Branch]) -> Import:
        path_token = cast(Token, kids[0])
        path = self._constant_string(path_token)
        name = self.name(cast(Token, kids[1])) if kids[1] is not None else ""
        if not name:
            name = PurePosixPath(path).stem
            if not name.isidentifier():
                raise Problem(
                    "SGL0101",
                    f"`{name}` cannot be the name of an import",
                    self.loc(path_token),
                    "needs a name",
                    helps=("add `as name`",),
                )
        return Import(path, name, Node(loc=self.loc(path_token)), loc=self.loc(tree))

    def _schema(self, kids: Sequence[Branch]) -> Schema:
        name, doc, *fields = kids
        return Schema(
            self.name(cast(Token, name)),
            self._doc(cast("Tree[Token]", doc).children[0]) if doc is not None else None,
            tuple(self._field(cast("Tree[Token]", field)) for field in fields),
            loc=self.loc(cast(Token, name)),
        )

    def _field(self, tree: Tree[Token]) -> SchemaField:
        name, type_, default, doc = tree.children
        return SchemaField(
            str(name),
            self.type(type_),
            self.optional(default),
            self._doc(doc) if doc is not None else None,
            loc=self.loc(cast(Token, name)),
        )

    def _doc(self, node: Branch) -> str:
        return self._constant(self.text(cast("Tree[Token]", node)))

    def _constant_string(self, token: Token) -> str:
        tree = Tree("text", [token])
        parsed = self.text(tree)
        if isinstance(parsed, Literal):
            return str(parsed.value)
        raise self._not_constant(self.loc(token))

    def _constant(self, text: Literal | Text) -> str:
        if isinstance(text, Literal):
            return str(text.value)
        raise self._not_constant(text.loc)

    def _not_constant(self, loc: Loc) -> Problem:
        return Problem(
            "SGL0111",
            "`${}` cannot be used in this string",
            loc,
            "must be constant",
            helps=("write `$$` for a literal dollar",),
        )

    def _params(self, node: Branch) -> tuple[Param, ...]:
        if node is None:
            return ()
        return tuple(
            self._param(cast("Tree[Token]", child))
            for child in cast("Tree[Token]", node).children
            if child is not None
        )

    def _param(self, tree: Tree[Token]) -> Param:
        name, type_, default = tree.children
        token = cast(Token, name)
        return Param(
            self.name(token),
            self._optional_type(type_),
            self.optional(default),
            loc=self.loc(token),
        )

    # ---- types -----------------------------------------------------------------------------------

    def _optional_type(self, node: Branch) -> TypeExpr | None:
        return None if node is None else self.type(node)

    def type(self, node: Branch) -> TypeExpr:
        """A type annotation."""
        tree = cast("Tree[Token]", node)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Problem("SGL0114", "type is too deeply nested", self.loc(tree))
        try:
            return self._type(str(tree.data), tree.children, self.loc(tree))
        finally:
            self.depth -= 1

    def _type(self, kind: str, kids: Sequence[Branch], loc: Loc) -> TypeExpr:
        match kind:
            case "named_type":
                args = tuple(self.type(kid) for kid in kids[1:] if kid is not None)
                return NamedType(str(kids[0]), args, loc=loc)
            case "literal_type":
                return LiteralType(self._constant_string(cast(Token, kids[0])), loc=loc)
            case "nullable":
                return UnionType((self.type(kids[0]), NamedType("none", loc=loc)), loc=loc)
            case "union_type":
                return UnionType(tuple(self.type(kid) for kid in kids), loc=loc)
        raise AssertionError(f"no type is called {kind}")

    # ---- statements ------------------------------------------------------------------------------

    def suite(self, node: Branch) -> tuple[Stmt, ...]:
        """The statements of a block."""
        tree = cast("Tree[Token]", node)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Problem("SGL0114", "block is too deeply nested", self.loc(tree))
        try:
            return tuple(self.stmt(cast("Tree[Token]", child)) for child in tree.children)
        finally:
            self.depth -= 1

    def stmt(self, tree: Tree[Token]) -> Stmt:
        """One statement."""
        kids = tree.children
        loc = self.loc(tree)
        match str(tree.data):
            case "expr_stmt":
                value = self.expr(kids[0])
                if cast("Tree[Token]", kids[0]).data == "text":
                    return Emit(cast("Literal | Text", value), loc=loc)
                return ExprStmt(value, loc=loc)
            case "assign":
                targets = cast("Tree[Token]", kids[0]).children
                return Assign(
                    tuple(self._target(self.expr(target)) for target in targets),
                    self.expr(kids[1]),
                    loc=loc,
                )
            case "augment":
                left, op, right = kids
                target = self._target(self.expr(left))
                value = Binary(
                    cast(BinaryOp, str(op).removesuffix("=")), target, self.expr(right), loc=loc
                )
                return Assign((target,), value, loc=loc)
            case "role_line":
                token = cast(Token, kids[0])
                text = self.text(cast("Tree[Token]", kids[1]))
                body = (Emit(text, loc=text.loc),)
                return Role(str(token), body, Node(loc=self.loc(token)), loc=loc)
            case "role_block":
                token = cast(Token, kids[0])
                return Role(
                    str(token), self.suite(kids[1]), Node(loc=self.loc(token)), loc=self.loc(token)
                )
            case "return_stmt":
                return Return(self.optional(kids[0]), loc=loc)
            case "raise_stmt":
                return Raise(self.optional(kids[0]), loc=loc)
            case "break_stmt":
                return Leave("break", loc=loc)
            case "continue_stmt":
                return Leave("continue", loc=loc)
            case "pass_stmt":
                return Pass(loc=loc)
        return self._compound(str(tree.data), kids, loc)

    def _compound(self, kind: str, kids: Sequence[Branch], whole: Loc) -> Stmt:
        # The location of a block is its header line, which is what messages want to show.
        loc = Loc(whole.line, whole.column, whole.line, whole.column + len(kind.split("_")[0]))
        match kind:
            case "func_def" | "fragment_def":
                return self._function(kind, kids)
            case "if_stmt":
                return self._if(kids, loc)
            case "while_stmt":
                condition, body, final = kids
                return While(self.expr(condition), self.suite(body), self._inside(final), loc=loc)
            case "for_stmt":
                names, items, body, final = kids
                return For(
                    self._names(names),
                    self.expr(items),
                    self.suite(body),
                    self._inside(final),
                    loc=loc,
                )
            case "fork_items":
                targets, items, name, body = kids
                return Fork(
                    self._names(targets),
                    self.expr(items),
                    self._optional_name(name),
                    self.suite(body),
                    loc=loc,
                )
            case "fork_count":
                count, name, body = kids
                return Fork(
                    (),
                    self.expr(count),
                    self._optional_name(name),
                    self.suite(body),
                    loc=loc,
                )
            case "try_except":
                body, *clauses, after, final = kids
                handlers = tuple(self._handler(cast("Tree[Token]", kid)) for kid in clauses)
                return Try(
                    self.suite(body),
                    handlers,
                    self._inside(after),
                    self._inside(final),
                    loc=loc,
                )
            case "try_finally":
                return Try(self.suite(kids[0]), (), (), self._inside(kids[1]), loc=loc)
        raise AssertionError(f"no statement is called {kind}")

    def _if(self, kids: Sequence[Branch], loc: Loc) -> If:
        condition, body, *clauses, final = kids
        orelse = self._inside(final)
        # A chain of elif is built from its end, without recursion.
        for clause in reversed(clauses):
            tree = cast("Tree[Token]", clause)
            place = self.loc(tree)
            header = Loc(place.line, place.column, place.line, place.column + len("elif"))
            elif_condition, elif_body = tree.children
            orelse = (If(self.expr(elif_condition), self.suite(elif_body), orelse, loc=header),)
        return If(self.expr(condition), self.suite(body), orelse, loc=loc)

    def _inside(self, clause: Branch) -> tuple[Stmt, ...]:
        """The block of an `else` or `finally`; an absent one is empty."""
        return () if clause is None else self.suite(cast("Tree[Token]", clause).children[0])

    def _handler(self, tree: Tree[Token]) -> Handler:
        kinds, name, body = tree.children
        place = self.loc(tree)
        # The kinds are checked later, with the list of kinds at hand.
        tokens = [] if kinds is None else cast("Tree[Token]", kinds).children
        return Handler(
            tuple(Name(str(t), loc=self.loc(cast(Token, t))) for t in tokens if t is not None),
            self._optional_name(name),
            self.suite(body),
            loc=Loc(place.line, place.column, place.line, place.column + len("except")),
        )

    def _name(self, node: Branch) -> Name:
        token = cast(Token, node)
        return Name(self.name(token), loc=self.loc(token))

    def _optional_name(self, node: Branch) -> Name | None:
        return None if node is None else self._name(node)

    def _names(self, node: Branch) -> tuple[Name, ...]:
        return tuple(self._name(token) for token in cast("Tree[Token]", node).children)

    def _target(self, expr: Expr) -> Name:
        if isinstance(expr, Name):
            if expr.id in ("gen", "select"):
                raise Problem(
                    "SGL0108", f"`{expr.id}` is a reserved word", expr.loc, "cannot be a name"
                )
            return expr
        helps: tuple[str, ...] = ()
        if isinstance(expr, Index | Slice | Attribute):
            helps = ("values never change: build a new one, with `+` for lists and `|` for dicts",)
        elif isinstance(expr, Literal | Text):
            helps = ("did you mean `==`?",)
        raise Problem("SGL0113", "cannot assign to this", expr.loc, "not a name", helps=helps)

"""The IR: values and ops, builder, printer, parser, verifier."""

from sglc.ir.equality import equal as equal

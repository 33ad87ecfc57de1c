"""Characters of the Harry Potter books, in the fields of SGLang's JSON example."""

from __future__ import annotations

from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class Character:
    """One record; `length` is the wand's in inches."""

    name: str
    house: str
    blood: str
    occupation: str
    wood: str
    core: str
    length: str
    alive: str
    patronus: str
    boggart: str

    def fields(self) -> tuple[str, ...]:
        """Return the values in the order of the record."""
        return astuple(self)


_ROWS = """\
Harry Potter|Gryffindor|Half-blood|student|Holly|Phoenix feather|11.0|Alive|Stag|Dementor
Hermione Granger|Gryffindor|Muggle-born|student|Vine|Dragon heartstring|10.75|Alive|Otter|Failure
Ron Weasley|Gryffindor|Pure-blood|student|Willow|Unicorn hair|14.0|Alive|Jack Russell|Spider
Albus Dumbledore|Gryffindor|Half-blood|teacher|Elder|Thestral hair|15.0|Deceased|Phoenix|Ariana
Remus Lupin|Gryffindor|Half-blood|teacher|Cypress|Unicorn hair|10.25|Deceased|Wolf|Full moon"""

CHARACTERS = tuple(Character(*row.split("|")) for row in _ROWS.splitlines())

KEYS = (
    '{\n    "name": "',
    '",\n    "house": "',
    '",\n    "blood status": "',
    '",\n    "occupation": "',
    '",\n    "wand": {\n        "wood": "',
    '",\n        "core": "',
    '",\n        "length": ',
    '\n    },\n    "alive": "',
    '",\n    "patronus": "',
    '",\n    "bogart": "',
)
END = '"\n}'

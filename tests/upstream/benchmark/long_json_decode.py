"""A long document, then an object whose fields end at the next quote."""

import sglc as sgl
from tests.upstream.case import Case


@sgl.function
def json_decode(s, document):
    s += "Take the details of the city from this text, as JSON.\n"
    s += "Text:\n" + document + "\n"
    s += "{\n"
    s += '  "name": "' + sgl.gen("name", max_tokens=8, stop='"') + '",\n'
    s += '  "street": "' + sgl.gen("street", max_tokens=8, stop='"') + '",\n'
    s += '  "town": "' + sgl.gen("town", max_tokens=8, stop='"') + '",\n'
    s += '  "sights": [' + sgl.gen("sights", max_tokens=24, stop="]") + "]\n}\n"


ROWS = [{"document": f"Text {i}. " * 50} for i in range(3)]
CASES = [Case(json_decode, rows=ROWS, options={"temperature": 0})]

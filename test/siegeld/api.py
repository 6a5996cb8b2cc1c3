# SPDX-License-Identifier: ISC
"""doc/api.yaml, to hold answers against it: every field of an answer is described, and every field that is
described as always there is."""

from pathlib import Path

import yaml

DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "doc/api.yaml").read_text())
PYTHON = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list, "null": type(None)}


def resolve(node):
    while "$ref" in node:
        parts = node["$ref"].removeprefix("#/").split("/")
        node = DOCUMENT
        for part in parts:
            node = node[part]
    return node


def faults(value, schema, where="answer"):
    """What of the value is not as described; a list of sentences."""
    schema = resolve(schema)
    if "oneOf" in schema:
        tries = [faults(value, one, where) for one in schema["oneOf"]]
        return [] if [] in tries else tries[0]
    kind = PYTHON[schema["type"]]
    if not isinstance(value, kind) or kind is int and isinstance(value, bool):
        return [f"{where} is no {schema['type']}: {value!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} is none of {schema['enum']}: {value!r}"]
    if kind is int and value < schema.get("minimum", value):
        return [f"{where} is {value}"]
    if kind is list:
        return [f for i, item in enumerate(value) for f in faults(item, schema["items"], f"{where}[{i}]")]
    if kind is dict:
        return object_faults(value, schema, where)
    return []


def object_faults(value, schema, where):
    known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value]
    for name, member in value.items():
        if name in known:
            found += faults(member, known[name], f"{where}.{name}")
        elif more is False:
            found.append(f"{where}.{name} is not described")
        elif isinstance(more, dict):
            found += faults(member, more, f"{where}.{name}")
    return found


def matching(method, path):
    """The operation of a path below /api/v1, without its query; None where there is none."""
    have = path.split("/")
    fits = lambda pattern: len(pattern) == len(have) and all(
        a == b or a.startswith("{") and b for a, b in zip(pattern, have))
    found = [p for p in DOCUMENT["paths"] if fits(p.split("/")) and method.lower() in DOCUMENT["paths"][p]]
    found.sort(key=lambda p: p.count("{"))
    return (found[0], DOCUMENT["paths"][found[0]][method.lower()]) if found else (None, None)


def check(method, path, answer):
    """The answer (status, headers, JSON or None) is what the document says. Returns the operation's path."""
    status, content_type, said = answer
    pattern, operation = matching(method, path)
    if operation is None:
        assert status in (400, 403, 404, 405, 421), (method, path, status)
        assert not faults(said, {"$ref": "#/components/schemas/Error"}), (method, path, said)
        return None
    responses = operation["responses"]
    response = resolve(responses.get(str(status), responses["default"]))
    assert str(status) in responses or status in (400, 401, 403, 421, 429, 500, 503), (method, path, status)
    kinds = response["content"]
    assert content_type.split(";")[0] in kinds or "*/*" in kinds, (method, path, content_type)
    if content_type == "application/json" and "application/json" in kinds:
        wrong = faults(said, kinds["application/json"]["schema"])
        assert not wrong, (method, path, status, wrong)
    return pattern

"""Holds parameters against a botocore shape: required and unknown members, types, patterns, lengths, ranges, enumerations."""

import functools

import regex  # the models' patterns use \p{…}, which `re` lacks

BEYOND = "\\uD800\\uDC00-\\uDBFF\\uDFFF"  # how Java writes the characters that need two of its own


@functools.lru_cache(None)
def compiled(pattern):
    return regex.compile(pattern.replace(BEYOND, "\\U00010000-\\U0010FFFF"))


def check(shape, value, path, found):
    """appends to `found` what the shape forbids"""
    if value is None:
        return
    kind, meta = shape.type_name, shape.metadata
    if kind == "structure":
        return structure(shape, value, path, found)
    size = None
    if kind == "list" and isinstance(value, list):
        size = len(value)
        for index, item in enumerate(value):
            check(shape.member, item, "%s[%d]" % (path, index), found)
    elif kind == "map" and isinstance(value, dict):
        size = len(value)
        for key, item in value.items():
            check(shape.key, key, "%s{key %s}" % (path, key), found)
            check(shape.value, item, "%s[%s]" % (path, key), found)
    elif kind == "string" and isinstance(value, str):
        size = len(value)
        text(meta, value, path, found)
    elif kind in ("integer", "long", "float", "double") and isinstance(value, (int, float)) and not isinstance(value, bool):
        size = value
    elif kind in ("boolean", "blob", "timestamp"):
        return
    else:
        found.append("%s: %s where the model has %s" % (path, type(value).__name__, kind))
        return
    if "min" in meta and size < meta["min"] or "max" in meta and size > meta["max"]:
        found.append("%s: %s is outside %s to %s" % (path, size, meta.get("min"), meta.get("max")))


def structure(shape, value, path, found):
    if not isinstance(value, dict):
        found.append("%s: %s where the model has a structure" % (path, type(value).__name__))
        return
    found.extend("%s.%s: required" % (path, name) for name in shape.required_members if value.get(name) is None)
    for name, item in value.items():
        if name in shape.members:
            check(shape.members[name], item, "%s.%s" % (path, name), found)
        else:
            found.append("%s.%s: unknown member" % (path, name))


def text(meta, value, path, found):
    pattern = meta.get("pattern")
    # Some patterns carry their own anchors, some rely on being matched whole.
    if pattern and not compiled(pattern).fullmatch(value) and not compiled("(?:%s)\\Z" % pattern).match(value):
        found.append("%s: %r does not match %s" % (path, value[:60], pattern))
    if meta.get("enum") and value not in meta["enum"]:
        found.append("%s: %r is none of %s" % (path, value[:60], ", ".join(meta["enum"][:8])))

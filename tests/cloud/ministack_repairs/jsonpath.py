"""JSONPath as Step Functions takes it: fields, indexes, slices, wildcards, descent and filters.

    find("$.a[?(@.name == 'x' && @.size > 2)].value", document) → [values]      find("$.a.b", document) → the value, or Missing

A path is definite when it can select one place at most; then its value is the answer, and else a list.
"""

import functools
import json
import operator
import re

TOKEN = re.compile(
    r"\s*(?:(?P<op>&&|\|\||==|!=|<=|>=|=~|[<>!()])|(?P<path>[@$](?:\.{1,2}[\w*-]+|\[(?:[^\]'\"]|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")*\])*)"
    r"|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|(?P<pattern>/(?:[^/\\]|\\.)+/i?)|(?P<word>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))"
)
QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
STEP = re.compile(
    r"(?P<deep>\.\.)?(?:(?(deep)|\.)(?P<name>[^.\[\]()'\"\s*?,]+)(?!\()|(?(deep)|\.)(?P<star>\*)|\.?\[\s*(?:(?P<all>\*)"
    r"|(?P<names>(?:%s)(?:\s*,\s*(?:%s))*)|(?P<slice>-?\d*:-?\d*(?::\d+)?)|(?P<numbers>-?\d+(?:\s*,\s*-?\d+)*))\s*\])"
    % (QUOTED, QUOTED)
)
COMPARE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class BadPath(ValueError):
    """not a path"""


class Missing(LookupError):
    """nothing stands there"""


def find(path, document):
    steps, definite = parse(path)
    values = select(steps, [document], document)
    if not definite:
        return values
    if not values:
        raise Missing(path)
    return values[0]


@functools.lru_cache(1000)
def parse(path):
    """→ (steps, is it definite?)"""
    if not path.startswith("$"):
        raise BadPath("%s does not begin with $" % path)
    steps, definite, at = [], True, 1
    while at < len(path):
        opening = re.match(r"(\.\.|\.)?\[\s*\?\s*\(", path[at:])
        if opening:
            end = closing(path, at + opening.end() - 1)
            step = ("filter", condition(path[at + opening.end() : end]), opening[1] == "..")
            tail = re.match(r"\s*\]", path[end + 1 :])
            if not tail:
                raise BadPath("%s: a filter ends with )]" % path)
            at, definite = end + 1 + tail.end(), False
        else:
            found = STEP.match(path, at)
            if not found:
                raise BadPath("%s: not understood from %r on" % (path, path[at : at + 20]))
            step, one = one_step(found)
            at, definite = found.end(), definite and one and not step[2]
        steps.append(step)
    return tuple(steps), definite


def one_step(found):
    """→ ((kind, what, deep?), does it select one place at most?)"""
    deep = bool(found["deep"])
    if found["name"]:
        return ("names", (found["name"],), deep), True
    if found["names"]:
        names = tuple(unquoted(one) for one in re.findall(QUOTED, found["names"]))
        return ("names", names, deep), len(names) == 1
    if found["numbers"]:
        numbers = tuple(int(one) for one in found["numbers"].split(","))
        return ("numbers", numbers, deep), len(numbers) == 1
    if found["slice"]:
        return ("slice", slice(*(int(one) if one else None for one in found["slice"].split(":"))), deep), False
    return ("all", None, deep), False


def unquoted(text):
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def closing(text, opening):
    """→ the index of the ) that ends what opens at `opening`, outside of quotes"""
    depth, quote, at = 0, None, opening
    while at < len(text):
        character = text[at]
        if quote:
            if character == "\\":
                at += 1
            elif character == quote:
                quote = None
        elif character in "'\"":
            quote = character
        elif character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                return at
        at += 1
    raise BadPath("%s: a bracket is not closed" % text)


def select(steps, values, document):
    for kind, what, deep in steps:
        if deep:
            values = [inner for value in values for inner in descend(value)]
        values = [found for value in values for found in taken(kind, what, value, document)]
    return values


def descend(value):
    yield value
    for inner in children(value):
        yield from descend(inner)


def children(value):
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def taken(kind, what, value, document):
    if kind == "names":
        return [value[name] for name in what if isinstance(value, dict) and name in value]
    if kind == "numbers":
        return [value[number] for number in what if isinstance(value, list) and -len(value) <= number < len(value)]
    if kind == "slice":
        return value[what] if isinstance(value, list) else []
    if kind == "filter":
        return [one for one in (value if isinstance(value, list) else [value]) if what(one, document)]
    return children(value)


# ---- filters: || binds least, then &&, then !, then comparisons


def condition(text):
    """→ function(element, document) → bool"""
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if not found:
            raise BadPath("the filter %s is not understood from %r on" % (text, text[at : at + 20]))
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    result = either(tokens)
    if tokens:
        raise BadPath("the filter %s has %r too much" % (text, tokens[0][1]))
    return result


def either(tokens):
    parts = [both(tokens)]
    while tokens and tokens[0] == ("op", "||"):
        tokens.pop(0)
        parts.append(both(tokens))
    return parts[0] if len(parts) == 1 else lambda element, document: any(part(element, document) for part in parts)


def both(tokens):
    parts = [single(tokens)]
    while tokens and tokens[0] == ("op", "&&"):
        tokens.pop(0)
        parts.append(single(tokens))
    return parts[0] if len(parts) == 1 else lambda element, document: all(part(element, document) for part in parts)


def single(tokens):
    if not tokens:
        raise BadPath("a filter is incomplete")
    if tokens[0] == ("op", "!"):
        tokens.pop(0)
        inner = single(tokens)
        return lambda element, document: not inner(element, document)
    if tokens[0] == ("op", "("):
        tokens.pop(0)
        inner = either(tokens)
        if not tokens or tokens.pop(0) != ("op", ")"):
            raise BadPath("a bracket in a filter is not closed")
        return inner
    left = operand(tokens)
    if not tokens or tokens[0][1] not in (*COMPARE, "=~"):
        return lambda element, document: bool(left(element, document))  # exists
    sign = tokens.pop(0)[1]
    right = operand(tokens)
    return lambda element, document: compared(sign, left(element, document), right(element, document))


def operand(tokens):
    """→ function → list with the value, empty when there is none"""
    kind, text = tokens.pop(0) if tokens else (None, "")
    if kind == "path":
        steps, _ = parse("$" + text[1:])
        return lambda element, document: select(steps, [element if text[0] == "@" else document], document)
    if kind == "text":
        return lambda element, document: [unquoted(text)]
    if kind == "word":
        return lambda element, document: [json.loads(text)]
    if kind == "pattern":
        pattern = re.compile(text.rstrip("i")[1:-1] if text.endswith("i") else text[1:-1], re.IGNORECASE if text.endswith("i") else 0)
        return lambda element, document: [pattern]
    raise BadPath("a filter compares with %r" % text)


def compared(sign, left, right):
    if not left or not right:
        return sign == "!=" and bool(left) != bool(right)
    if sign == "=~":
        return isinstance(left[0], str) and isinstance(right[0], re.Pattern) and bool(right[0].fullmatch(left[0]))
    if sign in ("==", "!=") and isinstance(left[0], bool) != isinstance(right[0], bool):
        return sign == "!="
    try:
        return COMPARE[sign](left[0], right[0])
    except TypeError:
        return False

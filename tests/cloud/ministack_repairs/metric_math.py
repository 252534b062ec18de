"""Metric math, the part that alarms are made of: + - * / ^, comparisons, AND, OR, IF, FILL, METRICS, and MAX, MIN, SUM, AVG, ABS, CEIL, FLOOR.

A value is a number, a series {timestamp: number}, or a list of series; what is missing in one of two series is missing in the result.
"""

import math
import operator
import re

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign>&&|\|\||[<>=!]=|[-+*/^<>(),\[\]]))"
)
SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": operator.pow}
TESTS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}
OVER = {"MAX": max, "MIN": min, "SUM": sum, "AVG": lambda values: sum(values) / len(values)}
EACH = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}


class MathError(ValueError):
    """an expression that is broken, or beyond this evaluator"""


def evaluate(expression, lookup, metrics, times):
    """lookup(id) → value; metrics: the ids that METRICS() stands for; times: the timestamps that FILL fills"""
    return Expression(expression, lookup, metrics, times).value()


class Expression:
    def __init__(self, text, lookup, metrics, times):
        self.text, self.lookup, self.metrics, self.times, self.tokens, at = text, lookup, metrics, times, [], 0
        text = text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise MathError("%s: not understood from %r on" % (text, text[at : at + 20]))
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()

    def value(self):
        found = self.either()
        if self.tokens:
            raise MathError("%s: %r is too much" % (self.text, self.tokens[0][1]))
        return found

    def next_is(self, *texts):
        return bool(self.tokens) and self.tokens[0][1].upper() in texts and self.tokens[0][0] != "text"

    def take(self, *texts):
        if not self.tokens or texts and not self.next_is(*texts):
            raise MathError("%s: %s expected" % (self.text, " or ".join(texts) or "something more"))
        return self.tokens.pop(0)

    def chain(self, below, table, *signs):
        found = below()
        while self.next_is(*signs):
            work = table[self.take()[1].upper()]
            found = both(found, below(), work)
        return found

    def either(self):
        return self.chain(self.all, dict.fromkeys(("OR", "||"), lambda a, b: float(bool(a) or bool(b))), "OR", "||")

    def all(self):
        return self.chain(self.test, dict.fromkeys(("AND", "&&"), lambda a, b: float(bool(a) and bool(b))), "AND", "&&")

    def test(self):
        return self.chain(self.sum, {sign: lambda a, b, work=work: float(work(a, b)) for sign, work in TESTS.items()}, *TESTS)

    def sum(self):
        return self.chain(self.product, SIGNS, "+", "-")

    def product(self):
        return self.chain(self.power, SIGNS, "*", "/")

    def power(self):
        found = self.single()
        if self.next_is("^"):
            self.take()
            return both(found, self.power(), SIGNS["^"])
        return found

    def single(self):
        if self.next_is("-"):
            self.take()
            return both(0.0, self.power(), operator.sub)
        if self.next_is("("):
            self.take()
            found = self.either()
            self.take(")")
            return found
        if self.next_is("["):
            return self.items("[", "]")
        kind, text = self.take()
        if kind == "number":
            return float(text)
        if kind == "text":
            return text[1:-1]
        if kind != "name":
            raise MathError("%s: %r is unexpected" % (self.text, text))
        return self.call(text) if self.next_is("(") else text if text in ("REPEAT", "LINEAR") else self.lookup(text)

    def items(self, begin, end):
        self.take(begin)
        found = []
        while not self.next_is(end):
            if found:
                self.take(",")
            found.append(self.either())
        self.take(end)
        return found

    def call(self, name):
        given = self.items("(", ")")
        if name == "METRICS" and len(given) <= 1:
            return [self.lookup(one) for one in self.metrics if not given or given[0] in one]
        if name == "IF" and len(given) in (2, 3):
            return choose(*given)
        if name == "FILL" and len(given) == 2:
            return [self.fill(one, given[1]) for one in given[0]] if isinstance(given[0], list) else self.fill(*given)
        if name in EACH and len(given) == 1:
            return both(given[0], 0.0, lambda value, _: float(EACH[name](value)))
        if name in OVER and len(given) == 1:
            return over(given[0], OVER[name])
        raise MathError("%s: the local cloud does not know %s with %d arguments" % (self.text, name, len(given)))

    def fill(self, series, filling):
        if not isinstance(series, dict):
            raise MathError("%s: FILL takes a series" % self.text)
        if filling == "LINEAR":
            raise MathError("%s: the local cloud does not know FILL(…, LINEAR)" % self.text)
        found, last = {}, None
        for time in self.times:
            value = series.get(time, last if filling == "REPEAT" else filling.get(time) if isinstance(filling, dict) else filling)
            if value is not None:
                found[time] = last = value
        return found


def both(left, right, work):
    """work on two values, point by point; a division by zero leaves no point"""
    if isinstance(left, list):
        return [both(one, right, work) for one in left]
    if isinstance(right, list):
        return [both(left, one, work) for one in right]
    if not isinstance(left, dict) and not isinstance(right, dict):
        found = attempt(left, right, work)
        if found is None:
            raise MathError("a calculation with constants has no result")
        return found
    times = left.keys() & right.keys() if isinstance(left, dict) and isinstance(right, dict) else left if isinstance(left, dict) else right
    points = {time: attempt(left[time] if isinstance(left, dict) else left, right[time] if isinstance(right, dict) else right, work) for time in times}
    return {time: value for time, value in points.items() if value is not None}


def attempt(left, right, work):
    try:
        found = work(left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    except TypeError:
        raise MathError("numbers and series expected") from None
    return None if isinstance(found, complex) or math.isnan(found) or math.isinf(found) else found


def choose(test, yes, no=None):
    if isinstance(test, list) or isinstance(yes, list) or isinstance(no, list):
        raise MathError("IF takes no lists")
    if not isinstance(test, dict):
        return (yes if test else no) if no is not None or test else {}
    points = {time: (branch.get(time) if isinstance(branch, dict) else branch) for time, held in test.items() for branch in (yes if held else no,)}
    return {time: value for time, value in points.items() if value is not None}


def over(value, work):
    """of a list: a series, point by point; of a series: a number"""
    if isinstance(value, dict):
        return float(work(list(value.values()))) if value else {}
    if not isinstance(value, list):
        return value
    times = {time for one in value if isinstance(one, dict) for time in one}
    return {time: float(work([one[time] for one in value if isinstance(one, dict) and time in one])) for time in times}

"""Step Functions: paths, intrinsic functions and choices as AWS evaluates them.

Gaps: no filters, slices and descent in paths; a path to nothing is null instead of an error; intrinsic functions do not take such paths, and
their failures cannot be caught; ResultSelector does not see the context object; choices compare few things with paths.
"""

import contextvars
import json
import re

from ministack.services import stepfunctions as svc

from ministack_repairs import around, jsonpath

# The state that runs, for messages: {"name", "entered" (the event's id)}; history.py sets it.
state = contextvars.ContextVar("state", default={"name": "?", "entered": 0})
context = contextvars.ContextVar("context", default={})
LITERAL = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
NAME = re.compile(r"States\.\w+\(")


def in_state(text):
    return "An error occurred while executing the state '%s' (entered at the event id #%d). %s" % (state.get()["name"], state.get()["entered"], text)


def runtime(text):
    """the error that nothing retries or catches"""
    return svc._ExecutionError("States.Runtime", in_state(text))


def intrinsic_failure(text):
    return svc._ExecutionError("States.IntrinsicFailure", in_state(text))


def value(path, data, ctx=None):
    """of a path into the input or, with $$, the context object; raises Missing"""
    if path.startswith("$$"):
        return jsonpath.find(path[1:], completed(ctx or context.get()))
    return jsonpath.find(path, data)


def completed(ctx):
    """the context object with what MiniStack leaves out"""
    execution = ctx.get("Execution") or {}
    machine = svc._state_machines.get((ctx.get("StateMachine") or {}).get("Id")) or {}
    shown = {key: item for key, item in ctx.items() if key not in ("QueryLanguage", "variables")}
    return {**shown, "Execution": {"RoleArn": machine.get("roleArn"), "RedriveCount": 0, **execution}}


@around(svc, "_resolve_path")
def resolve(original, path, data):
    if not path or not path.startswith("$"):
        return data
    try:
        return value(path, data)
    except jsonpath.Missing:
        raise runtime("The JSONPath '%s' could not be found in the input '%s'" % (path, json.dumps(data)[:1000])) from None
    except jsonpath.BadPath as error:
        raise runtime("Invalid path: %s" % error) from None


@around(svc, "_resolve_ctx_path")
def resolve_in_context(original, path, ctx):
    return resolve_any(path, None, ctx)


@around(svc, "_resolve_path_or_ctx")
def resolve_any(original, path, data, ctx=None):
    if path.startswith("$$"):
        return svc._resolve_path(path[1:], completed(ctx or context.get()))
    return svc._resolve_path(path, data)


@around(svc, "_resolve_params_obj")
def template(original, given, data, ctx=None):
    """Parameters, ResultSelector, ItemSelector: members whose name ends with .$ hold a path or a function"""
    if isinstance(given, list):
        return [svc._resolve_params_obj(one, data, ctx) for one in given]
    if not isinstance(given, dict):
        return given
    found = {}
    for key, item in given.items():
        if not key.endswith(".$"):
            found[key] = svc._resolve_params_obj(item, data, ctx)
        elif NAME.match(item):
            found[key[:-2]] = svc._evaluate_intrinsic(item, data, ctx)
        else:
            try:
                found[key[:-2]] = value(item, data, ctx)
            except jsonpath.Missing:
                raise runtime("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'" % (item, key, json.dumps(data)[:1000])) from None
            except jsonpath.BadPath as error:
                raise runtime("The value for the field '%s' must be a valid JSONPath: %s" % (key, error)) from None
    return found


# ---- intrinsic functions


def parsed(text, at=0):
    """→ (("call", name, arguments), end); the nodes that MiniStack evaluates"""
    begin = NAME.match(text, at)
    if not begin:
        raise ValueError("%s is no intrinsic function" % text[at : at + 40])
    arguments, at = [], blank(text, begin.end())
    while text[at : at + 1] != ")":
        if arguments:
            if text[at : at + 1] != ",":
                raise ValueError("%s: a comma or ) is missing" % text)
            at = blank(text, at + 1)
        node, at = argument(text, at)
        arguments.append(node)
        at = blank(text, at)
        if at >= len(text):
            raise ValueError("%s: ) is missing" % text)
    return ("call", begin[0][:-1], arguments), at + 1


def argument(text, at):
    if NAME.match(text, at):
        return parsed(text, at)
    if text[at : at + 1] == "'":
        found = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL).match(text, at)
        if not found:
            raise ValueError("%s: a quote is not closed" % text)
        return ("str", found[1]), found.end()
    if text[at : at + 1] == "$":
        end = at
        while end < len(text) and text[end] not in ",)":
            end = bracket_end(text, end) if text[end] == "[" else end + 1
        return ("path", text[at:end].strip()), end
    found = LITERAL.match(text, at)
    if not found:
        raise ValueError("%s: not understood from %r on" % (text, text[at : at + 20]))
    constant = json.loads(found[0])
    return ("null" if constant is None else "bool" if isinstance(constant, bool) else "num", constant), found.end()


def bracket_end(text, at):
    found = re.compile(r"\[(?:[^\[\]'\"]|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\[[^\]]*\])*\]").match(text, at)
    if not found:
        raise ValueError("%s: a bracket is not closed" % text)
    return found.end()


def blank(text, at):
    while at < len(text) and text[at].isspace():
        at += 1
    return at


@around(svc, "_evaluate_intrinsic")
def evaluate(original, expression, data, ctx):
    try:
        node, end = parsed(expression)
        if expression[end:].strip():
            raise ValueError("%s has %r too much" % (expression, expression[end:]))
    except ValueError as error:
        raise runtime("Invalid intrinsic function: %s" % error) from None
    return svc._exec_intrinsic(node, data, ctx)


@around(svc, "_eval_intrinsic_arg")
def evaluate_argument(original, node, data, ctx):
    return svc._resolve_path_or_ctx(node[1], data, ctx) if node[0] == "path" else original(node, data, ctx)


@around(svc, "_exec_intrinsic")
def call(original, node, data, ctx):
    _, name, arguments = node
    try:
        if name == "States.Format":
            return formatted(*(svc._eval_intrinsic_arg(one, data, ctx) for one in arguments))
        if name == "States.JsonToString":
            return json.dumps(svc._eval_intrinsic_arg(arguments[0], data, ctx), separators=(",", ":"), ensure_ascii=False)
        if name == "States.ArrayGetItem":
            array, index = (svc._eval_intrinsic_arg(one, data, ctx) for one in arguments)
            if not isinstance(array, list) or not isinstance(index, int) or not 0 <= index < len(array):
                raise ValueError("index %s is outside an array of %s" % (index, len(array) if isinstance(array, list) else "nothing"))
            return array[index]
        return original(node, data, ctx)
    except svc._ExecutionError:
        raise
    except Exception as error:
        raise intrinsic_failure("The function '%s' had the following error: %s" % (name, error)) from None


def formatted(pattern, *values):
    """{} takes the next value, in JSON unless it is a string; a backslash makes the next character plain"""
    left = list(values)

    def put(found):
        if found[0] != "{}":
            return found[0][1:]
        item = left.pop(0)
        return item if isinstance(item, str) else json.dumps(item, separators=(",", ":"), ensure_ascii=False)

    if sum(found[0] == "{}" for found in re.finditer(r"\\.|\{\}", pattern, re.DOTALL)) != len(values):
        raise ValueError("the number of {} is not the number of arguments")
    return re.sub(r"\\.|\{\}", put, pattern, flags=re.DOTALL)


# ---- choices


@around(svc, "_evaluate_rule")
def rule(original, given, data, ctx=None):
    if "Variable" not in given:
        return original(given, data, ctx)
    try:
        held = value(given["Variable"], data, ctx)
    except jsonpath.Missing:
        if "IsPresent" in given:
            return given["IsPresent"] is False
        raise runtime("Invalid path '%s': The choice state's condition path references an invalid value." % given["Variable"]) from None
    if "IsPresent" in given:
        return given["IsPresent"] is True
    given = {key[:-4] if key.endswith("Path") else key: svc._resolve_path_or_ctx(item, data, ctx) if key.endswith("Path") else item for key, item in given.items()}
    return original({**given, "Variable": "$"}, held, ctx)


@around(svc, "_apply_result_selector")
def result_selector(original, definition, data):
    selector = definition.get("ResultSelector")
    return svc._resolve_params_obj(selector, data, context.get()) if selector else data


@around(svc, "_error_matches")
def matches(original, wanted, error):
    """Gap: States.ALL and States.TaskFailed catch what on AWS always ends the execution."""
    if error in ("States.Runtime", "States.DataLimitExceeded") and error not in wanted:
        return False
    return original(wanted, error)

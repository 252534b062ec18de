"""The part of the Amazon States Language that CreateStateMachine checks and MiniStack does not: the structure of the states, and their paths."""

import json
import re

from ministack_repairs import jsonpath, paths

TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector")
PLACES = (
    *("InputPath", "OutputPath", "ResultPath", "ItemsPath", "SecondsPath", "TimestampPath"),
    *("TimeoutSecondsPath", "HeartbeatSecondsPath", "MaxConcurrencyPath", "ErrorPath", "CausePath"),
)
FUNCTIONS = """Array ArrayContains ArrayGetItem ArrayLength ArrayPartition ArrayRange ArrayUnique Base64Decode Base64Encode Format Hash JsonMerge
JsonToString MathAdd MathRandom StringSplit StringToJson UUID""".split()
VARIABLE = re.compile(r"\$[A-Za-z_]")
TYPES = {"Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map"}


def problems(text):
    """→ [sentence with the path of what is wrong]"""
    try:
        definition = json.loads(text)
    except (ValueError, TypeError) as error:
        return ["INVALID_JSON_DESCRIPTION: %s" % error]
    found = []
    machine(definition, "/", found)
    return ["SCHEMA_VALIDATION_FAILED: " + sentence for sentence in found]


def machine(given, path, found, language=None):
    states = given.get("States") if isinstance(given, dict) else None
    if not isinstance(states, dict) or not states:
        found.append("The field 'States' should be specified as a non-empty object at %s" % path)
        return
    if not isinstance(given.get("StartAt"), str):
        found.append("The field 'StartAt' is required but was missing at %s" % path)
    elif given["StartAt"] not in states:
        found.append("MISSING_TRANSITION_TARGET: Missing 'Next' target: %s at %sStartAt" % (given["StartAt"], path))
    for name, one in states.items():
        spoken = (one.get("QueryLanguage") if isinstance(one, dict) else None) or given.get("QueryLanguage") or language
        state(one, states, "%sStates/%s" % (path, name), found, spoken)


def state(given, states, path, found, language):
    if not isinstance(given, dict) or given.get("Type") not in TYPES:
        found.append("The value for the field 'Type' must be one of %s at %s/Type" % (", ".join(sorted(TYPES)), path))
        return
    if language != "JSONata":
        paths_of(given, path, found)
    kind = given["Type"]
    if kind not in ("Choice", "Succeed", "Fail") and ("Next" in given) == (given.get("End") is True):
        found.append("These fields are required, exactly one of them: [Next, End] at %s" % path)
    if kind == "Task" and not isinstance(given.get("Resource"), str):
        found.append("The field 'Resource' is required but was missing at %s" % path)
    if kind == "Choice" and not given.get("Choices"):
        found.append("The field 'Choices' is required but was missing at %s" % path)
    targets = [(given.get("Next"), "Next"), (given.get("Default"), "Default")]
    targets += [(one.get("Next"), "%s[%d]/Next" % (field, index)) for field in ("Catch", "Choices") for index, one in enumerate(given.get(field) or ()) if isinstance(one, dict)]
    for target, where in targets:
        if target is not None and target not in states:
            found.append("MISSING_TRANSITION_TARGET: Missing 'Next' target: %s at %s/%s" % (target, path, where))
    for index, branch in enumerate(given.get("Branches") or ()):
        machine(branch, "%s/Branches[%d]/" % (path, index), found, language)
    for field in ("ItemProcessor", "Iterator"):
        if field in given:
            machine(given[field], "%s/%s/" % (path, field), found, language)


def paths_of(given, path, found):
    for field in PLACES:
        if isinstance(given.get(field), str):
            place(given[field], field, path, found)
    for field in TEMPLATES:
        template(given.get(field), "%s/%s" % (path, field), found)
    for index, rule in enumerate(given.get("Choices") or ()):
        choice(rule, "%s/Choices[%d]" % (path, index), found)


def template(given, path, found):
    for key, item in given.items() if isinstance(given, dict) else enumerate(given) if isinstance(given, list) else ():
        if isinstance(key, str) and key.endswith(".$"):
            place(item, key, path, found)
        else:
            template(item, "%s/%s" % (path, key), found)


def choice(given, path, found):
    for key, item in given.items() if isinstance(given, dict) else ():
        if key == "Variable" or key.endswith("Path"):
            place(item, key, path, found)
        for index, inner in enumerate(item if isinstance(item, list) else [item]):
            choice(inner, "%s/%s[%d]" % (path, key, index), found)


def place(text, field, path, found):
    """a path, or an intrinsic function with paths in it"""
    try:
        if not isinstance(text, str):
            raise ValueError("no text")
        if text.startswith("States."):
            node, end = paths.parsed(text)
            function(node)
            if text[end:].strip():
                raise ValueError(text[end:])
        elif not VARIABLE.match(text):
            jsonpath.parse(text[1:] if text.startswith("$$") else text)
    except ValueError:
        found.append("The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call at %s" % (field, path))


def function(node):
    if node[0] == "path" and not VARIABLE.match(node[1]):
        jsonpath.parse(node[1][1:] if node[1].startswith("$$") else node[1])
    elif node[0] == "call":
        if node[1].partition(".")[2] not in FUNCTIONS:
            raise ValueError("no function %s" % node[1])
        for inner in node[2]:
            function(inner)

"""The part of the Amazon States Language that CreateStateMachine checks and MiniStack does not: the structure of the states."""

import json

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


def machine(given, path, found):
    states = given.get("States") if isinstance(given, dict) else None
    if not isinstance(states, dict) or not states:
        found.append("The field 'States' should be specified as a non-empty object at %s" % path)
        return
    if not isinstance(given.get("StartAt"), str):
        found.append("The field 'StartAt' is required but was missing at %s" % path)
    elif given["StartAt"] not in states:
        found.append("MISSING_TRANSITION_TARGET: Missing 'Next' target: %s at %sStartAt" % (given["StartAt"], path))
    for name, one in states.items():
        state(one, states, "%sStates/%s" % (path, name), found)


def state(given, states, path, found):
    if not isinstance(given, dict) or given.get("Type") not in TYPES:
        found.append("The value for the field 'Type' must be one of %s at %s/Type" % (", ".join(sorted(TYPES)), path))
        return
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
        machine(branch, "%s/Branches[%d]/" % (path, index), found)
    for field in ("ItemProcessor", "Iterator"):
        if field in given:
            machine(given[field], "%s/%s/" % (path, field), found)

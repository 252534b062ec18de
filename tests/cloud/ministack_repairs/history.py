"""Step Functions: an execution's history, whole enough to follow it state by state, and the time limits of machines.

Gaps: events name no predecessor; task events lack the resource's type, the parameters, TaskStarted, TaskSubmitted and TaskTimedOut; states inside
of Map and Parallel leave no events; a machine's TimeoutSeconds and a task's TimeoutSecondsPath are ignored; an ended execution goes on writing.
"""

import contextvars
import json
import re
import threading

from ministack.services import stepfunctions as svc

from ministack_repairs import around, paths

# Where this thread is in the execution's tree of events: {"previous": id of the last event}. Branches have one of their own.
branch = contextvars.ContextVar("branch", default=None)
# The task that runs: {"execution", "resource", "submitted": its .sync job exists, "over": it has timed out}
task = contextvars.ContextVar("task", default=None)
writing = threading.Lock()

LAMBDA = re.compile(r"arn:aws[a-z-]*:lambda:")
INTEGRATION = re.compile(r"arn:aws[a-z-]*:states:[^:]*:[^:]*:((?:aws-sdk:)?[^:]+):(.+)")


@around(svc, "_add_event")
def event(original, execution, kind, details=None):
    if execution["status"] != "RUNNING" and not kind.startswith("Execution"):
        return {}
    place = branch.get()
    if place is None or place.get("of") is not execution:
        place = {"of": execution, "previous": execution["events"][-1]["id"] if execution["events"] else 0}
        branch.set(place)
    if kind.startswith("Task") and not kind.startswith("TaskState"):
        kind, details = task_event(kind, details, execution, place)
        if kind is None:
            return {}
    with writing:
        made = original(execution, kind, details)
        made["previousEventId"], place["previous"] = place["previous"], made["id"]
    if kind.endswith("StateEntered"):
        paths.state.set({"name": details["stateEnteredEventDetails"]["name"], "entered": made["id"]})
    return made


def task_event(kind, details, execution, place):
    """as AWS writes it; (None, None) for one that AWS does not write"""
    given = next(iter((details or {}).values()), {})
    resource = given.get("resource", "")
    if kind == "TaskFailed":
        running = task.get() or {}
        if given["error"] == "States.Runtime" and execution["events"][-1]["type"] in ("TaskSucceeded", "LambdaFunctionSucceeded"):
            return None, None  # the task was fine, its result was not
        if given["error"] == "States.Timeout" and running.get("over"):
            kind = "TaskTimedOut"
        elif resource.split(".")[-1].startswith("sync") and not running.get("submitted"):
            kind = "TaskSubmitFailed"
    if LAMBDA.match(resource):
        kind = kind.replace("Task", "LambdaFunction", 1)
        if kind == "LambdaFunctionStarted":
            return kind, None
        known = {"input", "output", "error", "cause"} | ({"resource"} if kind.endswith("Scheduled") else set())
    else:
        found = INTEGRATION.match(resource)
        if found:
            given = {**given, "resourceType": found[1], "resource": found[2]}
        known = {"resourceType", "resource", "region", "parameters", "output", "error", "cause", "timeoutInSeconds"}
        if kind == "TaskScheduled":
            given = {"region": svc.get_region(), "parameters": "{}", **given}
    name = kind[0].lower() + kind[1:] + "EventDetails"
    return kind, {name: {key: value for key, value in given.items() if key in known}}


@around(svc, "_execute_task")
def execute(original, definition, raw, execution, ctx):
    """Gap: failures of Parameters cannot be caught, and a time limit cannot be a path."""
    task.set({"execution": execution, "resource": definition.get("Resource", ""), "submitted": False, "over": False})
    paths.context.set(ctx)
    try:
        if "TimeoutSecondsPath" in definition:
            definition = {**definition, "TimeoutSeconds": svc._resolve_path_or_ctx(definition["TimeoutSecondsPath"], raw, ctx)}
        return original(definition, raw, execution, ctx)
    except svc._ExecutionError as error:
        catcher = svc._find_matching_catcher(definition.get("Catch", []), error.error) if error.error == "States.IntrinsicFailure" else None
        if catcher is None:
            raise
        return svc._apply_catcher(catcher, raw, ctx, svc._state_query_language(definition, ctx), {"Error": error.error, "Cause": error.cause}), catcher["Next"]


@around(svc, "_invoke_resource")
def invoke(original, resource, given):
    running = task.get()
    if running is None or running["resource"] != resource:
        return original(resource, given)
    execution = running["execution"]
    running.update(submitted=False, over=False)  # a retry begins anew
    last = execution["events"][-1]
    if last["type"] == "TaskScheduled":
        last["taskScheduledEventDetails"]["parameters"] = json.dumps(given)
        svc._add_event(execution, "TaskStarted", {"taskStartedEventDetails": {"resource": resource}})
    elif last["type"] == "LambdaFunctionScheduled":
        last["lambdaFunctionScheduledEventDetails"]["input"] = json.dumps(given)
        svc._add_event(execution, "TaskStarted", {"taskStartedEventDetails": {"resource": resource}})
    return original(resource, given)


@around(svc, "_invoke_resource_with_timeout")
def invoke_within(original, resource, given, timeout):
    try:
        return original(resource, given, timeout)
    except svc._ExecutionError as error:
        if error.error == "States.Timeout" and error.cause == "Task timed out after %s seconds" % timeout:
            task.get()["over"] = True
        raise


def submitted(output):
    """a .sync task's job exists; → function: does anybody still wait for it?"""
    running = task.get()
    running["submitted"] = True
    svc._add_event(running["execution"], "TaskSubmitted", {"taskSubmittedEventDetails": {"resource": running["resource"], "output": json.dumps(output)}})
    return lambda: running["execution"]["status"] == "RUNNING" and not running["over"]


# ---- states inside of states


@around(svc, "_run_sub_machine")
def run_inside(original, states, start, given, execution, ctx):
    branch.set({"of": execution, "previous": (branch.get() or {}).get("previous", 0)})
    ctx, name, held = {**ctx}, start, given
    while name:
        definition = states.get(name)
        if definition is None:
            raise svc._ExecutionError("States.Runtime", "State '%s' not found" % name)
        kind = definition.get("Type")
        ctx["State"] = {"Name": name, "EnteredTime": svc.now_iso(), "RetryCount": 0}
        svc._add_event(execution, kind + "StateEntered", {"stateEnteredEventDetails": {"name": name, "input": json.dumps(held)}})
        if kind == "Fail":
            raise svc._ExecutionError(*svc._fail_state_error(definition, held, ctx))
        if kind == "Succeed":
            held, after = svc._apply_output_path(definition, svc._apply_input_path(definition, held, ctx), ctx), None
        elif kind in ("Task", "Parallel", "Map"):
            held, after = getattr(svc, "_execute_" + kind.lower())(definition, held, execution, ctx)
        elif kind in ("Pass", "Wait", "Choice"):
            held, after = getattr(svc, "_execute_" + kind.lower())(definition, held, ctx)
        else:
            raise svc._ExecutionError("States.Runtime", "Unknown state type: %s" % kind)
        svc._add_event(execution, kind + "StateExited", {"stateExitedEventDetails": {"name": name, "output": json.dumps(held)}})
        name = after
    return held


def bracketed(kind):
    """Parallel and Map: Started, and Succeeded or Failed, around what runs inside"""

    def run(original, definition, raw, execution, ctx):
        paths.context.set(ctx)
        details = None
        if kind == "Map":
            if svc._state_query_language(definition, ctx) != "JSONata":
                found = svc._resolve_path_or_ctx(definition.get("ItemsPath", "$"), svc._apply_input_path(definition, raw, ctx), ctx)
                details = {"mapStateStartedEventDetails": {"length": len(found)}} if isinstance(found, list) else None
        svc._add_event(execution, kind + "StateStarted", details)
        try:
            answer = original(definition, raw, execution, ctx)
        except svc._ExecutionError:
            svc._add_event(execution, kind + "StateFailed")
            raise
        svc._add_event(execution, kind + "StateSucceeded")
        return answer

    return run


around(svc, "_run_parallel_branches")(bracketed("Parallel"))
around(svc, "_run_map_items")(bracketed("Map"))


# ---- the end


@around(svc, "_run_execution")
def limited(original, arn):
    execution = svc._executions.get(arn)
    machine = svc._state_machines.get(execution["stateMachineArn"]) if execution else None
    try:
        seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
    except ValueError:
        seconds = None
    if not seconds:
        return original(arn)
    within = contextvars.copy_context()
    timer = threading.Timer(seconds, lambda: within.run(time_out, execution))
    timer.daemon = True
    timer.start()
    try:
        return original(arn)
    finally:
        timer.cancel()


def time_out(execution):
    if execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", stopDate=svc.now_iso())
    svc._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
    svc._emit_execution_status_event(execution)


@around(svc, "_fail_execution")
def fail(original, execution, error, cause):
    if execution["status"] == "RUNNING":  # it may have been stopped, or timed out, meanwhile
        original(execution, error, cause)

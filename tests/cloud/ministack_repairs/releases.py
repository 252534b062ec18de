"""Step Functions and Lambda: versions and aliases, and which of them runs."""

import contextvars
import copy
import random

from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response
from ministack.services import lambda_svc
from ministack.services import stepfunctions as svc

from ministack_repairs import around, changed

running = contextvars.ContextVar("running", default={})  # ARN of a machine → what the execution at hand runs of it


class Machines(AccountRegionScopedDict):
    """Gap: an execution runs the definition that its machine has when it gets going, not that of its version."""

    __slots__ = ()

    def get(self, key, default=None):
        return running.get().get(key) or super().get(key, default)


svc._state_machines.__class__ = Machines


def drawn(shares):
    """one of [(version, share)], by chance"""
    return random.choices([version for version, _ in shares], [share for _, share in shares])[0]


# ---- Step Functions


@around(svc, "_start_execution")
def started(original, data):
    """Gaps: of an alias, the version with the greatest weight runs; nobody can tell which one did."""
    arn = data.get("stateMachineArn") or ""
    alias = svc._state_machine_aliases.get(arn)
    version = drawn([(one["stateMachineVersionArn"], one["weight"]) for one in alias["routingConfiguration"]]) if alias else arn
    record = svc._state_machine_versions.get(version)
    machine = svc._state_machines.get(record["stateMachineArn"] if record else arn)
    if machine is None:
        return original(data)
    kept = {**machine, **{key: value for key, value in (record or {}).items() if key in ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration")}}
    token = running.set({machine["stateMachineArn"]: copy.deepcopy(kept)})
    try:
        response = original(data)  # the execution's thread takes the context over
    finally:
        running.reset(token)

    def told(answer):
        execution = svc._executions[answer["executionArn"]]
        if record:
            execution["stateMachineVersionArn"] = version
        if alias:
            execution["stateMachineAliasArn"] = arn

    return changed(response, told)


@around(svc, "_describe_execution")
def told_of_its_version(original, data):
    """Gap: an execution does not tell its version and alias."""

    def tell(answer):
        execution = svc._executions[data["executionArn"]]
        answer.update({key: execution[key] for key in ("stateMachineVersionArn", "stateMachineAliasArn") if key in execution})

    return changed(original(data), tell)


@around(svc, "_publish_state_machine_version")
def published_once(original, data):
    """Gaps: the same revision is published again and again; a version has no tracing."""
    arn = data.get("stateMachineArn")
    machine = svc._state_machines.get(arn)
    if machine and data.get("revisionId") in (None, machine["revisionId"]):
        for version, record in svc._state_machine_versions.items():
            if record["stateMachineArn"] == arn and record["stateMachineRevisionId"] == machine["revisionId"]:
                return json_response({"stateMachineVersionArn": version, "creationDate": record["creationDate"]})

    def trace(answer):
        svc._state_machine_versions[answer["stateMachineVersionArn"]]["tracingConfiguration"] = copy.deepcopy(machine["tracingConfiguration"])

    return changed(original(data), trace)


@around(svc, "_describe_state_machine")
def traced(original, data):
    """Gap: a version has no tracing."""
    record = svc._state_machine_versions.get(data.get("stateMachineArn"))
    tracing = (record or {}).get("tracingConfiguration")
    return changed(original(data), lambda answer: answer.update(tracingConfiguration=tracing) if tracing else None)


@around(svc, "_create_state_machine_alias")
def created_once(original, data):
    """Gap: the same alias made again is refused; AWS answers as the first time."""
    routing = data.get("routingConfiguration") or [{}]
    arn = "%s:%s" % ((routing[0].get("stateMachineVersionArn") or "").rsplit(":", 1)[0], data.get("name"))
    alias = svc._state_machine_aliases.get(arn)
    if alias and (alias["routingConfiguration"], alias["description"]) == (routing, data.get("description", "")):
        return json_response({"stateMachineAliasArn": arn, "creationDate": alias["creationDate"]})
    return original(data)


@around(svc, "_delete_state_machine_alias")
def deleted_alias(original, data):
    """Gap: deleting an alias that does not exist succeeds."""
    if data.get("stateMachineAliasArn") not in svc._state_machine_aliases:
        return error_response_json("ResourceNotFound", "Resource not found: '%s'" % data.get("stateMachineAliasArn"), 400)
    return original(data)


@around(svc, "_delete_state_machine")
def deleted_with_all(original, data):
    """Gap: versions and aliases outlive their machine."""
    arn = data.get("stateMachineArn")
    for store in (svc._state_machine_aliases, svc._state_machine_versions):
        for key in [key for key in list(store.keys()) if key.rsplit(":", 1)[0] == arn]:
            del store[key]
    return original(data)


# ---- Lambda


def version_of(name, qualifier):
    """the version that a call of an alias with weights runs; other qualifiers as they are"""
    alias = ((lambda_svc._functions.get(name) or {}).get("aliases") or {}).get(qualifier)
    weights = ((alias or {}).get("RoutingConfig") or {}).get("AdditionalVersionWeights")
    if not weights:
        return qualifier
    return drawn([*weights.items(), (alias["FunctionVersion"], 1 - sum(weights.values()))])


@around(lambda_svc, "_invoke")
def routed(original, name, event, headers, path_qualifier=None, query_params=None):
    """Gap: weights of aliases are kept, but never routed by."""
    qualifier = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier") or lambda_svc._qp_first(headers, "x-amz-qualifier")
    version = version_of(name, qualifier)
    return original(name, event, headers, qualifier if version == qualifier else version, query_params)


@around(svc, "_call_lambda")
def routed_task(original, reference, event):
    """Gap: the same where a task calls an alias."""
    name, qualifier = lambda_svc._resolve_name_and_qualifier(reference)
    version = version_of(name, qualifier)
    return original(reference if version == qualifier else reference[: -len(qualifier)] + version, event)

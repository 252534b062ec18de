"""Step Functions: tracing, names, roles, definitions, and updates that say nothing."""

import re

from ministack.core.responses import error_response_json, json_response
from ministack.services import stepfunctions as svc

from ministack_repairs import around, asl, changed, trusts

FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")


def refused(data):
    """Gaps: broken definitions, roles that cannot be assumed and log groups without `:*` are accepted."""
    if data.get("definition") is not None:
        wrong = asl.problems(data["definition"])
        if wrong:
            return error_response_json("InvalidDefinition", "Invalid State Machine Definition: '%s'" % ", ".join(wrong), 400)
    for destination in (data.get("loggingConfiguration") or {}).get("destinations") or ():
        if not (destination.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn", "").endswith(":*"):
            return error_response_json("InvalidLoggingConfiguration", "Invalid Logging Configuration: Log Destination ARN must end with ':*'.", 400)
    role = data.get("roleArn")
    if role and not trusts(role, "states.amazonaws.com"):
        message = "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role."
        return error_response_json("AccessDeniedException", message, 400)
    return None


@around(svc, "_create_state_machine")
def create(original, data):
    """Gap: tracingConfiguration is dropped; names with forbidden characters are accepted."""
    name = data.get("name") or ""
    if not name or len(name) > 80 or FORBIDDEN.search(name):
        return error_response_json("InvalidName", "Invalid Name: '%s'" % name, 400)
    response = refused(data) or original(data)
    if response[0] == 200:
        arn = "arn:aws:states:%s:%s:stateMachine:%s" % (svc.get_region(), svc.get_account_id(), name)
        svc._state_machines[arn].setdefault("tracingConfiguration", data.get("tracingConfiguration") or {"enabled": False})
    return response


@around(svc, "_update_state_machine")
def update(original, data):
    """Gaps: tracingConfiguration is dropped, an update of nothing is accepted, the new revisionId is not told."""
    arn = data.get("stateMachineArn")
    if arn in svc._state_machines:
        if not any(data.get(member) is not None for member in ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration", "publish")):
            return error_response_json("MissingRequiredParameter", "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified", 400)
        wrong = refused(data)
        if wrong:
            return wrong
    response = original(data)
    if response[0] != 200:
        return response
    machine = svc._state_machines[arn]
    if data.get("tracingConfiguration") is not None:
        machine["tracingConfiguration"] = data["tracingConfiguration"]
    return changed(response, lambda answer: answer.update(revisionId=machine["revisionId"]))


@around(svc, "_delete_state_machine")
def delete_again(original, data):
    """Gap: deleting a machine that does not exist is an error; on AWS it succeeds."""
    return original(data) if data.get("stateMachineArn") in svc._state_machines else json_response({})

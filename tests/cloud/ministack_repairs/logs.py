"""CloudWatch Logs: what a log group has besides its retention.

Gap: MiniStack knows neither keys of existing log groups, nor protection from deletion, nor data protection policies, nor bearer tokens. Nothing is
encrypted, masked or let in here: the settings are kept, answered, and a protected group is not deleted.
"""

import json

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs as svc

from ministack_repairs import around, changed

SETTINGS = ("deletionProtectionEnabled", "bearerTokenAuthenticationEnabled", "dataProtectionStatus")


def group(given):
    """by name or by ARN; None if there is none"""
    name = given.get("logGroupName") or given.get("logGroupIdentifier") or given.get("resourceIdentifier") or ""
    return svc._log_groups.get(name.split(":log-group:")[-1].removesuffix(":*"))


def flag(member):
    def put(known, given):
        known[member] = given[member]

    return put


def protect_data(known, given):
    policy = json.loads(given["policyDocument"])
    if not isinstance(policy, dict) or len(policy.get("Statement") or ()) != 2:
        raise ValueError("a data protection policy has two statements, one that audits and one that masks")
    known["dataProtectionStatus"] = "ACTIVATED"


def unprotect_data(known, _):
    if known.get("dataProtectionStatus"):
        known["dataProtectionStatus"] = "DELETED"


SETTERS = {
    "AssociateKmsKey": flag("kmsKeyId"),
    "DisassociateKmsKey": lambda known, given: known.update(kmsKeyId=None),
    "PutLogGroupDeletionProtection": flag("deletionProtectionEnabled"),
    "PutBearerTokenAuthentication": flag("bearerTokenAuthenticationEnabled"),
    "PutDataProtectionPolicy": protect_data,
    "DeleteDataProtectionPolicy": unprotect_data,
}


@around(svc, "handle_request")
async def set_more(original, method, path, headers, body, query_params):
    setter = SETTERS.get(headers.get("x-amz-target", "").split(".")[-1])
    if setter is None:
        return await original(method, path, headers, body, query_params)
    given = json.loads(body)
    known = group(given)
    if known is None:
        return error_response_json("ResourceNotFoundException", "The specified log group does not exist.", 400)
    try:
        setter(known, given)
    except ValueError as error:
        return error_response_json("InvalidParameterException", str(error), 400)
    return json_response({})


@around(svc, "_delete_log_group")
def delete(original, data):
    if (group(data) or {}).get("deletionProtectionEnabled"):
        return error_response_json("ValidationException", "The log group cannot be deleted: deletion protection is enabled.", 400)
    return original(data)


@around(svc, "_describe_log_groups")
def describe(original, data):
    def add(answer):
        for one in answer["logGroups"]:
            known = svc._log_groups[one["logGroupName"]]
            one.update({member: known[member] for member in SETTINGS if known.get(member) is not None})

    return changed(original(data), add)

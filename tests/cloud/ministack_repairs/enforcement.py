"""IAM as AWS asks it, where `AUTH=true` enforces it (`cloud.py up --enforce`).

Gaps: requests in CBOR are not asked about at all; the ARN that an action is asked on is `*`, or of another form than AWS's, in several services;
and nobody but MiniStack asks. What is signed with the cloud's own key is root's and is not verified: so its parts talk to each other.

GET /__local__/authorize?key=…&action=…&resource=…   what MiniStack decides, for requests that others answer (authorize.py)
"""

import json
import os
import re

import cbor2
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_region
from ministack.services import iam

from ministack_repairs import around

OWN_KEY = os.environ.get("AWS_ACCESS_KEY_ID", "")
RPC = re.compile(r"/service/[^/]+/operation/(\w+)")
# Asked on everything, whatever the request names. Sources: the Service Authorization Reference; DescribeAlarms and PutCompositeAlarm in
# CloudWatch's API reference.
ON_ALL = ("cloudwatch:DescribeAlarms", "cloudwatch:ListDashboards", "cloudwatch:PutCompositeAlarm", "events:ListRules", "logs:DescribeLogGroups", "iam:ListRoles", "sns:Unsubscribe")
# How requests name what they are about, where MiniStack does not look: an ARN, or a name and the ARN that it stands in.
ARNS = {"states": ("resourceArn",), "events": ("ResourceARN",), "monitoring": ("ResourceARN",), "cloudformation": ("ChangeSetName",)}
NAMES = {
    "lambda": (("FunctionName", "arn:aws:lambda:{region}:{account}:function:{name}"),),
    "events": (("Rule", "arn:aws:events:{region}:{account}:rule/{name}"), ("Name", "arn:aws:events:{region}:{account}:rule/{name}")),
    "monitoring": (
        ("AlarmName", "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"),
        ("AlarmNames", "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"),
        ("DashboardName", "arn:aws:cloudwatch::{account}:dashboard/{name}"),
        ("DashboardNames", "arn:aws:cloudwatch::{account}:dashboard/{name}"),
    ),
}


@around(iam_evaluator, "authenticate")
def authenticate(original, access_key_id, account_id):
    return None if access_key_id == OWN_KEY else original(access_key_id, account_id)


@around(iam_actions, "extract_iam_action")
def extract_iam_action(original, service, method, path, headers, body, query_params):
    if found := RPC.match(path):
        return "%s:%s" % (iam_actions.SERVICE_TO_IAM_NAMESPACE.get(service, service), found[1])
    return original(service, method, path, headers, body, query_params)


@around(iam_actions, "extract_resource_arn")
def extract_resource_arn(original, service, method, path, headers, body, query_params, region, account):
    if iam_actions.extract_iam_action(service, method, path, headers, body, query_params) in ON_ALL:
        return "*"
    given = parameters(headers, body, query_params)
    for member in ARNS.get(service, ()):
        if str(given.get(member, "")).startswith("arn:"):
            return given[member]
    if service == "states" and (machine := state_machine(given)):
        return machine
    for member, arn in NAMES.get(service, ()):
        if name := given.get(member):
            return arn.format(region=region, account=account, name=name[0] if isinstance(name, list) else name)
    if "cbor" in headers.get("content-type", ""):
        body = b""  # MiniStack takes every body for JSON
    found = original(service, method, path, headers, body, query_params, region, account)
    if service == "iam" and (name := given.get("RoleName")):
        # A role has a path, which the one that is to be made brings along and one that does not exist lacks.
        return (iam._roles.get(name) or {}).get("Arn") or "arn:aws:iam::%s:role%s%s" % (account, given.get("Path") or "/", name)
    if service == "lambda" and (qualifier := given.get("Qualifier")):
        return "%s:%s" % (found, qualifier)
    return found


def state_machine(given):
    """a version or an alias is asked about with the ARN of its state machine: "Authorization for versions and aliases" in the developer guide"""
    routing = given.get("routingConfiguration") or [{}]
    named = [given.get(member) for member in ("stateMachineArn", "stateMachineAliasArn", "stateMachineVersionArn")] + [routing[0].get("stateMachineVersionArn")]
    arn = next((one for one in named if one), None)
    return arn and ":".join(arn.split(":")[:7])


def parameters(headers, body, query_params):
    given = {key: value[0] if isinstance(value, list) else value for key, value in query_params.items()}
    try:
        document = cbor2.loads(body) if "cbor" in headers.get("content-type", "") else json.loads(body or b"{}")
    except ValueError:
        document = {}
    return {**given, **(document if isinstance(document, dict) else {})}


def authorize(given):
    """→ {} if the caller may, else why not"""
    action, resource = given.pop("action"), given.pop("resource")
    denied = iam_evaluator.enforce(given.pop("key"), action, action.split(":")[0], get_region(), resource_arn=resource, service_context=given)
    if denied is None:
        return {}
    if isinstance(denied, iam_evaluator.AuthError):
        return {"code": denied.code, "message": denied.message}
    message = iam_actions.identity_denial_message(action, denied.principal_arn, resource, denied.decision == "Deny")
    return {"code": "AccessDeniedException", "message": message}

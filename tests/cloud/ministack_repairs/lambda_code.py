"""Lambda: code, versions and aliases."""

import base64
import copy
import hashlib
import re
import urllib.parse

from ministack.core.responses import error_response_json, json_response
from ministack.services import lambda_svc as svc

from ministack_repairs import around, changed

# What differs between two publications of the same function.
VOLATILE = ("RevisionId", "LastModified", "Version", "FunctionArn", "State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode", "SnapStart")
CONFLICT = "The operation cannot be performed at this time. "

svc._LAMBDA_STATE_TRANSITION_DELAY = 0.2  # seconds that a function is Pending or an update InProgress


@around(svc, "_execute_function_warm")
def error_type(original, function, event, request_id):
    """Gap: the errorType of a failing Python handler is always Runtime.HandlerError, so no Catch by name works."""
    result = original(function, event, request_id)
    body = result.get("body")
    if result.get("error") and isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError":
        for line in reversed((result.get("log") or "").splitlines()):
            named = re.match(r"^([A-Za-z_][\w.<>]*)(?::|$)", line)
            if named:
                body["errorType"] = named[1].rsplit(".", 1)[-1]
                break
    return result


@around(svc, "handle_request")
async def one_at_a_time(original, method, path, headers, body, query_params):
    """Gap: a function can be changed while it is created or updated; AWS answers ResourceConflictException."""
    parts = path.strip("/").split("/")
    if len(parts) == 4 and parts[1] == "functions" and (method, parts[3]) in (("PUT", "code"), ("PUT", "configuration"), ("POST", "versions")):
        name, _ = svc._resolve_request_scoped_name_and_qualifier(urllib.parse.unquote(parts[2]))
        config = svc._functions[name]["config"] if name in svc._functions else {}
        if config.get("State") == "Pending":
            return error_response_json("ResourceConflictException", CONFLICT + "The function is currently in the following state: Pending", 409)
        if config.get("LastUpdateStatus") == "InProgress":
            return error_response_json("ResourceConflictException", CONFLICT + "An update is in progress for resource: " + config["FunctionArn"], 409)
    return await original(method, path, headers, body, query_params)


@around(svc, "_create_function")
def code_must_exist(original, data):
    """Gap: CreateFunction from an S3 object that does not exist makes a function without code."""
    code = data.get("Code") or {}
    missing = missing_object(code)
    if missing:
        return missing
    publish, data = data.get("Publish"), {**data, "Publish": False}
    response = original(data)
    if publish and response[0] == 201:
        return changed(response, lambda answer: answer.update(Version=publish_now(data["FunctionName"])["Version"]))
    return response


def missing_object(code):
    if code.get("S3Bucket") and code.get("S3Key") and svc._fetch_code_from_s3(code["S3Bucket"], code["S3Key"], version_id=code.get("S3ObjectVersion")) is None:
        message = "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
        return error_response_json("InvalidParameterValueException", message, 400)
    return None


@around(svc, "_update_code")
def dry_run_and_publish(original, name, data):
    """Gaps: DryRun changes the code; Publish leaves a version with the ARN of $LATEST; an update makes the function Pending, and keeps the
    key of the code before it."""
    if name not in svc._functions:
        return original(name, data)
    refused = svc._check_revision(svc._functions[name]["config"], data) or missing_object(data)
    if refused:
        return refused
    if data.get("DryRun"):
        return dry_run(name, data)
    response = original(name, {"SourceKMSKeyArn": None, **data, "Publish": False})
    if response[0] != 200:
        return response
    config = svc._functions[name]["config"]
    still_active(config)
    return json_response({**config, **({"Version": publish_now(name)["Version"]} if data.get("Publish") else {})})


def dry_run(name, data):
    config = copy.deepcopy(svc._functions[name]["config"])
    if "Architectures" in data:
        config["Architectures"] = data["Architectures"]
    code = None
    if "ZipFile" in data:
        code = base64.b64decode(data["ZipFile"])
    elif "S3Key" in data:
        code = svc._fetch_code_from_s3(data["S3Bucket"], data["S3Key"], version_id=data.get("S3ObjectVersion"))
    refused = svc._reject_unreadable_zip(code)
    if refused:
        return refused
    if code:
        config.update(CodeSize=len(code), CodeSha256=base64.b64encode(hashlib.sha256(code).digest()).decode())
    return json_response(config)


def still_active(config):
    """on AWS an update leaves State alone and moves LastUpdateStatus only"""
    config["State"] = "Active"
    for member in ("StateReason", "StateReasonCode"):
        config.pop(member, None)


def essence(config):
    return {key: value for key, value in config.items() if key not in VOLATILE}


@around(svc, "_publish_version")
def publish_by_content(original, name, data):
    """Gaps: a new version is published whenever the revision moved, though nothing changed; its State stays Pending for ever."""
    if name not in svc._functions:
        return original(name, data)
    function = svc._functions[name]
    refused = svc._check_revision(function["config"], data)
    if refused:
        return refused
    if data.get("CodeSha256") and data["CodeSha256"] != function["config"]["CodeSha256"]:
        message = "CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST." % (data["CodeSha256"], function["config"]["CodeSha256"])
        return error_response_json("InvalidParameterValueException", message, 400)
    latest = max(function["versions"], key=int, default=None)
    if latest and function["versions"][latest].get("published_from") == essence(function["config"]):
        return json_response(function["versions"][latest]["config"], 201)
    if latest:
        function["versions"][latest].pop("function_revision", None)  # ours decides
    before = set(function["versions"])
    response = original(name, data)
    for number in set(function["versions"]) - before:
        record = function["versions"][number]
        record["published_from"] = copy.deepcopy(essence(function["config"]))
        still_active(record["config"])
        record["config"]["LastUpdateStatus"] = "Successful"
    return response


def publish_now(name):
    """→ the configuration of the version"""
    svc._publish_version(name, {})
    versions = svc._functions[name]["versions"]
    return versions[max(versions, key=int)]["config"]


def missing_version(name, data):
    """Gap: aliases may point at versions that do not exist."""
    wanted = [data.get("FunctionVersion")] + list(((data.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}))
    for version in wanted:
        if version and version != "$LATEST" and version not in svc._functions[name]["versions"]:
            return error_response_json("ResourceNotFoundException", "Function not found: %s:%s" % (svc._func_arn(name), version), 404)
    return None


@around(svc, "_create_alias")
def alias_created(original, name, data):
    return (name in svc._functions and missing_version(name, data)) or original(name, data)


@around(svc, "_update_alias")
def alias_updated(original, name, alias, data):
    return (name in svc._functions and missing_version(name, data)) or original(name, alias, data)


@around(svc, "_list_versions")
def qualified_latest(original, name, query_params):
    """Gap: ListVersionsByFunction gives $LATEST its unqualified ARN."""

    def qualify(answer):
        for version in answer["Versions"]:
            if version["Version"] == "$LATEST" and not version["FunctionArn"].endswith(":$LATEST"):
                version["FunctionArn"] += ":$LATEST"

    return changed(original(name, query_params), qualify)

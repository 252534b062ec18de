"""Rules of the services that botocore's models do not hold, or hold too loosely.

A rule looks at the parameters of one operation and appends a sentence for each thing that AWS refuses.
"""

import ipaddress
import json
import re

RULES = {}

FUNCTION = re.compile(r"[a-zA-Z0-9-_]{1,64}")
FUNCTION_REFERENCE = re.compile(r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:|\d{12}:function:)?[a-zA-Z0-9-_]{1,64}(:(\$LATEST|[a-zA-Z0-9-_]+))?")
ROLE = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
MACHINE_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
SAGEMAKER = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
TAG = re.compile(r"[\w .:/=+\-@]*")  # \w: letters and digits of every script


def check(service, operation, given, found):
    for rule in RULES.get((service, operation), ()):
        rule(given, found)
    if service != "s3":
        tags(service, given, found)
    if service == "s3" and given.get("Bucket"):
        bucket(given, found)


def rule(*operations):
    def add(function):
        for name in operations:
            RULES.setdefault(tuple(name.split(":")), []).append(function)
        return function

    return add


def whole(pattern, value, what, found):
    if isinstance(value, str) and not pattern.fullmatch(value):
        found.append("%s: %r is not allowed" % (what, value[:100]))


# ---- names


@rule("lambda:CreateFunction")
def function_name(given, found):
    whole(FUNCTION_REFERENCE, given.get("FunctionName"), "FunctionName", found)
    name = (given.get("FunctionName") or "").rsplit(":", 1)[-1]
    whole(FUNCTION, name, "FunctionName", found)


@rule("iam:CreateRole", "iam:GetRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRole", "iam:UpdateRole", "iam:TagRole")
def role_name(given, found):
    whole(ROLE, given.get("RoleName"), "RoleName", found)


@rule("iam:CreateRole", "iam:ListRoles")
def role_path(given, found):
    path = given.get("Path") or given.get("PathPrefix")
    if path is not None and not (path.startswith("/") and path.endswith("/")) and "Path" in given:
        found.append("Path: %r must begin and end with /" % path)


def bucket(given, found):
    name = given["Bucket"]
    if name.startswith("arn:"):
        return
    whole(BUCKET, name, "Bucket", found)
    if ".." in name or name.startswith(("xn--", "sthree-", "amzn-s3-demo-")) or name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")):
        found.append("Bucket: %r is a reserved or malformed name" % name)
    try:
        ipaddress.ip_address(name)
        found.append("Bucket: %r looks like an address" % name)
    except ValueError:
        pass


@rule("cloudwatch:PutMetricAlarm", "cloudwatch:PutCompositeAlarm")
def alarm_name(given, found):
    name = given.get("AlarmName") or ""
    if any(not character.isprintable() for character in name) or len(name) > 255:
        found.append("AlarmName: %r has a control character or is too long" % name[:100])


@rule("cloudwatch:PutMetricAlarm")
def alarm_shape(given, found):
    statistics = [member for member in ("Statistic", "ExtendedStatistic", "Metrics") if given.get(member)]
    if len(statistics) != 1:
        found.append("PutMetricAlarm: exactly one of Statistic, ExtendedStatistic and Metrics is wanted, not %s" % (", ".join(statistics) or "none"))
    period, evaluations = given.get("Period"), given.get("EvaluationPeriods")
    if isinstance(period, int) and period not in (1, 5, 10, 20, 30) and period % 60:
        found.append("Period: %d is neither 10, 20, 30 nor a multiple of 60" % period)
    if isinstance(period, int) and isinstance(evaluations, int) and period * evaluations > (86400 if period < 3600 else 604800):
        found.append("PutMetricAlarm: Period × EvaluationPeriods is longer than %s" % ("a day" if period < 3600 else "a week"))
    if isinstance(given.get("DatapointsToAlarm"), int) and isinstance(evaluations, int) and given["DatapointsToAlarm"] > evaluations:
        found.append("DatapointsToAlarm: more than EvaluationPeriods")


@rule("states:CreateStateMachine")
def machine_name(given, found):
    name = given.get("name") or ""
    if not 1 <= len(name) <= 80 or MACHINE_FORBIDDEN.search(name):
        found.append("name: %r is not allowed for a state machine" % name[:100])


def sagemaker_name(member):
    return lambda given, found: whole(SAGEMAKER, given.get(member), member, found)


for operation, name in (
    ("CreateModel", "ModelName"),
    ("CreateEndpointConfig", "EndpointConfigName"),
    ("CreateEndpoint", "EndpointName"),
    ("CreateMonitoringSchedule", "MonitoringScheduleName"),
    ("CreateTrainingJob", "TrainingJobName"),
    ("CreateProcessingJob", "ProcessingJobName"),
    ("CreateModelPackageGroup", "ModelPackageGroupName"),
    ("CreateDataQualityJobDefinition", "JobDefinitionName"),
):
    rule("sagemaker:" + operation)(sagemaker_name(name))


# ---- documents


def is_json(member, limit=None):
    def look(given, found):
        text = given.get(member)
        if not isinstance(text, str):
            return
        if limit and len(text.encode()) > limit:
            found.append("%s: %d bytes are more than %d" % (member, len(text.encode()), limit))
        try:
            if not isinstance(json.loads(text), dict):
                found.append("%s: not a JSON object" % member)
        except ValueError as error:
            found.append("%s: not JSON: %s" % (member, error))

    return look


rule("iam:CreateRole")(is_json("AssumeRolePolicyDocument"))
rule("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", "iam:CreatePolicy")(is_json("PolicyDocument"))
rule("states:CreateStateMachine", "states:UpdateStateMachine")(is_json("definition", 1024 * 1024))
rule("states:StartExecution")(is_json("input", 262144))
rule("cloudwatch:PutDashboard")(is_json("DashboardBody"))


@rule("lambda:CreateFunction", "lambda:UpdateFunctionConfiguration")
def environment(given, found):
    variables = (given.get("Environment") or {}).get("Variables") or {}
    size = len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode())
    if size > 4096:
        found.append("Environment: %d bytes are more than 4096" % size)
    reserved = [name for name in variables if name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "_HANDLER", "_X_AMZN_TRACE_ID") or name.startswith("AWS_LAMBDA_")]
    if reserved:
        found.append("Environment: reserved variables: %s" % ", ".join(sorted(reserved)))


# ---- tags: every service has its own shape for them


def tags(service, given, found):
    for member in ("Tags", "tags"):
        if not given.get(member):
            continue
        pairs = pairs_of(given[member])
        if len(pairs) > 50:
            found.append("%s: %d are more than 50" % (member, len(pairs)))
        keys = [key for key, _ in pairs]
        found.extend("%s: the key %r comes twice" % (member, key) for key in sorted({key for key in keys if keys.count(key) > 1}))
        for key, value in pairs:
            if key.lower().startswith("aws:"):
                found.append("%s: the key %r has the reserved prefix aws:" % (member, key))
            if not 1 <= len(key) <= 128 or not TAG.fullmatch(key):
                found.append("%s: the key %r is too long or has a forbidden character" % (member, key[:140]))
            if len(value) > 256 or not TAG.fullmatch(value):
                found.append("%s: the value %r of %r is too long or has a forbidden character" % (member, value[:270], key))


def pairs_of(given):
    if isinstance(given, dict):
        return [(str(key), str(value)) for key, value in given.items()]
    if isinstance(given, list):
        return [(str(one.get("Key", one.get("key", ""))), str(one.get("Value", one.get("value", "")))) for one in given if isinstance(one, dict)]
    return []

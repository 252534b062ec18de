"""CloudTrail's event history over both emulators: LookupEvents answers from what went through the gateway.

Every request but those that read becomes an event, as CloudTrail writes it: who, when, from where, with which parameters, refused or not.
Functions, roles, alarms, stacks and buckets are filed under their names and ARNs; of the other services nobody here knows, so their events
are found by the event's name only, which asks more of a client. A user is called what his access key is called.
"""

import collections
import datetime
import json
import re
import uuid

import accounts

ACCOUNT, REGION = accounts.ACCOUNT, "us-east-1"
MOST, PAGE, LONGEST = 5000, 50, 100_000
KEY = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/")
READS = re.compile(r"(Get|List|Describe|Lookup|Head|Search|Simulate|Validate|Query|Filter|Select|Batch(Get|Describe)|Test|Estimate|Detect|AssumeRole)")
# Data events, which the history does not have.
DATA = {"Invoke", "InvokeEndpoint", "PutObject", "DeleteObject", "DeleteObjects", "CopyObject", "PutMetricData", "PutLogEvents", "PutEvents", "Publish", "SendMessage", "ReceiveMessage", "DeleteMessage"}
SOURCES = {"cloudwatch": "monitoring", "application-autoscaling": "autoscaling"}
# https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
LAMBDA = {
    **dict.fromkeys(("UpdateFunctionCode", "UpdateFunctionConfiguration", "AddPermission", "RemovePermission"), "20150331v2"),
    **dict.fromkeys(("CreateFunction", "DeleteFunction", "PublishVersion", "CreateAlias", "UpdateAlias", "DeleteAlias"), "20150331"),
    **dict.fromkeys(("PutFunctionConcurrency", "DeleteFunctionConcurrency"), "20171031"),
    **dict.fromkeys(("TagResource", "UntagResource"), "20170331v2"),
}
# Parameter → type and ARN of what is filed under it.
FILED = {
    ("lambda", "functionName"): ("AWS::Lambda::Function", "arn:aws:lambda:%s:%s:function:" % (REGION, ACCOUNT)),
    ("iam", "roleName"): ("AWS::IAM::Role", None),
    ("cloudwatch", "alarmName"): ("AWS::CloudWatch::Alarm", "arn:aws:cloudwatch:%s:%s:alarm:" % (REGION, ACCOUNT)),
    ("cloudwatch", "alarmNames"): ("AWS::CloudWatch::Alarm", "arn:aws:cloudwatch:%s:%s:alarm:" % (REGION, ACCOUNT)),
    ("cloudformation", "stackName"): ("AWS::CloudFormation::Stack", None),
    ("s3", "bucket"): ("AWS::S3::Bucket", "arn:aws:s3:::"),
}
SECRET = "HIDDEN_DUE_TO_SECURITY_REASONS"
HIDDEN = ("environment", "zipFile", "secretString", "password")


class Trail:
    def __init__(self):
        self.clear()

    def clear(self):
        self.events = collections.deque(maxlen=MOST)  # (region, event), the newest first

    def record(self, service, operation, given, headers, address, status, answer):
        """remembers a request that went through; `answer` is the body of a refusal"""
        if READS.match(operation) or operation in DATA or " " in operation:
            return
        key = KEY.search(headers.get("Authorization", ""))
        user, region = (key[1], key[2]) if key else ("anonymous", REGION)
        refused = {} if status < 400 else {"errorCode": code_of(answer)}
        parameters = plain(given)
        name = operation + LAMBDA.get(operation, "") if service == "lambda" else operation
        now = datetime.datetime.now(datetime.timezone.utc)
        event = str(uuid.uuid4())
        record = {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "IAMUser",
                "principalId": "AIDA" + user.upper(),
                "arn": "arn:aws:iam::%s:user/%s" % (ACCOUNT, user),
                "accountId": ACCOUNT,
                "accessKeyId": user,
                "userName": user,
            },
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": SOURCES.get(service, service) + ".amazonaws.com",
            "eventName": name,
            "awsRegion": REGION if service == "iam" else region,
            "sourceIPAddress": address,
            "userAgent": headers.get("User-Agent", ""),
            **refused,
            "requestParameters": parameters if parameters and len(json.dumps(parameters)) <= LONGEST else None,
            "responseElements": None,
            "requestID": str(uuid.uuid4()),
            "eventID": event,
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        }
        self.events.appendleft((record["awsRegion"], {
            "EventId": event,
            "EventName": name,
            "ReadOnly": "false",
            "AccessKeyId": user,
            "EventTime": int(now.timestamp()),
            "EventSource": record["eventSource"],
            "Username": user,
            "Resources": resources(service, parameters),
            "CloudTrailEvent": json.dumps(record),
        }))

    def lookup(self, given, region):
        """→ (status, answer) of LookupEvents"""
        asked = given.get("LookupAttributes") or []
        if len(asked) > 1:
            return 400, {"__type": "InvalidLookupAttributesException", "message": "You can specify only one lookup attribute."}
        start = given.get("NextToken") or "0"
        if not start.isdigit():
            return 400, {"__type": "InvalidNextTokenException", "message": "The next token is invalid."}
        size = given.get("MaxResults", PAGE)
        if not 1 <= size <= PAGE:
            return 400, {"__type": "InvalidMaxResultsException", "message": "MaxResults must be between 1 and 50."}
        first, last = given.get("StartTime", 0), given.get("EndTime", float("inf"))
        found = [
            event
            for place, event in self.events
            if place == region
            and first <= event["EventTime"] <= last
            and all(matches(event, one["AttributeKey"], one["AttributeValue"]) for one in asked)
        ]
        end = int(start) + size
        return 200, {"Events": found[int(start) : end], **({"NextToken": str(end)} if end < len(found) else {})}


def matches(event, key, value):
    if key in ("ResourceName", "ResourceType"):
        return any(resource[key] == value for resource in event["Resources"])
    return event.get(key) == value


def resources(service, parameters):
    found = []
    for name, value in (parameters or {}).items():
        kind, arn = FILED.get((service, name), (None, None))
        for one in value if isinstance(value, list) else [value]:
            if kind is None or not isinstance(one, str):
                continue
            names = [one] if arn is None else [one.removeprefix(arn), arn + one.removeprefix(arn)]
            found += [{"ResourceType": kind, "ResourceName": name} for name in names]
    return found


def plain(value):
    """parameters as CloudTrail writes them: lower camel case, without what is binary or secret"""
    if isinstance(value, dict):
        small = {name[:1].lower() + name[1:]: item for name, item in value.items()}
        return {name: SECRET if name in HIDDEN else plain(item) for name, item in small.items() if not isinstance(item, (bytes, bytearray))}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def code_of(answer):
    """the code of a refusal in any of the protocols"""
    text = answer.decode(errors="replace") if isinstance(answer, (bytes, bytearray)) else ""
    found = re.search(r'"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"|<Code>([^<]+)</Code>|__type.([A-Za-z]+)', text)
    return next((group for group in found.groups() if group), "ServiceException") if found else "ServiceException"


def handle(gateway, headers, body):
    """→ (status, headers, body); None for an operation that MiniStack answers"""
    if headers.get("X-Amz-Target", "").rsplit(".", 1)[-1] != "LookupEvents":
        return None
    key = KEY.search(headers.get("Authorization", ""))
    status, answer = gateway.trail.lookup(json.loads(body or b"{}"), key[2] if key else REGION)
    return status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-requestid": str(uuid.uuid4())}, json.dumps(answer).encode()

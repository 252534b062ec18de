"""CloudFormation: drift detection of the types that our templates hold, and change sets that revert it.

Gaps: detection is done at once and never in progress; buckets show their name and versioning only, schedules and their groups nothing; change sets
with DeploymentMode REVERT_DRIFT compare templates alone.
As on AWS, policies of buckets and topics are not looked at, and schedules are reported as deleted when they are not (cloudformation-coverage-roadmap
#1725). How AWS shows the remaking of a deleted resource in a change set is not documented; here it is an Add.
"""

import json
import re
import time

from ministack.core.responses import now_iso
from ministack.services import scheduler
from ministack.services.cloudformation import _change_sets, _stacks, drift, handlers

from ministack_repairs import around, buckets

TAKES = 0.15  # seconds that a detection is in progress
SCHEDULE = "AWS::Scheduler::Schedule"


def read_group(name, expected):
    group = scheduler._schedule_groups.get(name)
    return group and {"Name": name, "Tags": scheduler._tags.get(group["Arn"], {})}


drift._DRIFT_READERS.update({
    "AWS::S3::Bucket": (buckets.properties_of, buckets.READ),
    "AWS::Scheduler::ScheduleGroup": (read_group, frozenset({"Name", "Tags"})),
    SCHEDULE: (lambda name, expected: None, frozenset()),
})


# ---- detection takes its time

in_progress = {}  # stack id → when it ends


@around(handlers, "_detect_stack_drift")
def detect(original, params):
    stack = handlers._resolve_stack(handlers._p(params, "StackName"))
    if stack and in_progress.get(stack["StackId"], 0) > time.monotonic():
        return handlers._error("ValidationError", "Drift detection is already in progress for stack [%s]" % stack["StackId"])
    answer = original(params)
    if answer[0] == 200:
        in_progress[stack["StackId"]] = time.monotonic() + TAKES
    return answer


@around(handlers, "_describe_stack_drift_detection_status")
def detection_status(original, params):
    status, headers, body = original(params)
    text = body.decode() if isinstance(body, bytes) else body
    found = re.search("<StackId>(.*?)</StackId>", text)
    if found and in_progress.get(found.group(1), 0) > time.monotonic():
        text = re.sub("<DetectionStatus>.*?</DetectionStatus>", "<DetectionStatus>DETECTION_IN_PROGRESS</DetectionStatus>", text)
        text = re.sub("<(StackDriftStatus|DriftedStackResourceCount|DetectionStatusReason)>.*?</\\1>", "", text)
    return status, {key: value for key, value in headers.items() if key.lower() != "content-length"}, text.encode()


# ---- change sets that revert


def drifted(stack, template):
    """→ {logical id: its drift} of what a change set would set right"""
    found = {}
    for logical, record in stack.get("_resources", {}).items():
        kind = record.get("ResourceType", "")
        if logical in template.get("Resources", {}) and kind != SCHEDULE and drift.supports_drift(kind):
            one = drift.detect_resource_drift(stack, logical, record, now_iso())
            if one["StackResourceDriftStatus"] in ("MODIFIED", "DELETED"):
                found[logical] = one
    return found


@around(handlers, "_create_change_set")
def create_change_set(original, params):
    answer = original(params)
    if handlers._p(params, "DeploymentMode") != "REVERT_DRIFT" or answer[0] != 200:
        return answer
    text = answer[2].decode() if isinstance(answer[2], bytes) else answer[2]
    kept = _change_sets[re.search("<Id>(.*?)</Id>", text).group(1)]
    reverts = drifted(_stacks[kept["StackName"]], kept["_template"])
    changes = {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"] for one in kept["Changes"]}
    for logical, one in reverts.items():
        gone = one["StackResourceDriftStatus"] == "DELETED"
        fresh = {"Action": "Add" if gone else "Modify", "LogicalResourceId": logical, "ResourceType": one["ResourceType"], "Scope": ["Properties"], "Details": []}
        change = changes.setdefault(logical, fresh)
        change.update({"Action": "Add"} if gone else {})
        if change["Action"] == "Modify":
            change.setdefault("Replacement", "False")
    if changes:
        kept.update(Changes=[{"ResourceChange": changes[name]} for name in sorted(changes)], Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")
    kept["_reverts"] = reverts
    return answer


@around(handlers, "_describe_change_set")
def describe_change_set(original, params):
    status, headers, body = original(params)
    found = re.search("<ChangeSetId>(.*?)</ChangeSetId>", body.decode() if isinstance(body, bytes) else body)
    reverts = _change_sets.get(found.group(1), {}).get("_reverts") if found else None
    if not reverts:
        return status, headers, body
    text = body.decode() if isinstance(body, bytes) else body
    for logical, one in reverts.items():
        name = "<LogicalResourceId>%s</LogicalResourceId>" % logical
        text = text.replace(name, name + "<ResourceDriftStatus>%s</ResourceDriftStatus>" % one["StackResourceDriftStatus"], 1)
        before, rest = text.split(name, 1)
        details = "".join(map(detail, one.get("PropertyDifferences", [])))
        text = before + name + rest.replace("<Details>", "<Details>" + details, 1)
    return status, {key: value for key, value in headers.items() if key.lower() != "content-length"}, text.encode()


def detail(difference):
    target = {
        "Attribute": "Properties", "Name": difference["PropertyPath"].split("/")[1], "RequiresRecreation": "Never", "Path": difference["PropertyPath"],
        "BeforeValue": difference["ActualValue"], "AfterValue": difference["ExpectedValue"], "BeforeValueFrom": "ACTUAL_STATE", "AfterValueFrom": "TEMPLATE",
        "AttributeChangeType": {"ADD": "Remove", "REMOVE": "Add"}.get(difference["DifferenceType"], "Modify"),
    }
    members = "".join("<%s>%s</%s>" % (key, handlers._esc(value), key) for key, value in target.items())
    return "<member><Target>%s</Target><Evaluation>Static</Evaluation><ChangeSource>DirectModification</ChangeSource></member>" % members


@around(handlers, "_execute_change_set")
def execute_change_set(original, params):
    name, stack_name = handlers._p(params, "ChangeSetName"), handlers._p(params, "StackName")
    kept = next((one for number, one in _change_sets.items() if name == number or (name, stack_name) == (one["ChangeSetName"], one["StackName"])), {})
    if kept.get("ExecutionStatus") == "AVAILABLE":
        records = _stacks[kept["StackName"]]["_resources"]
        for logical, one in kept.get("_reverts", {}).items():
            if one["StackResourceDriftStatus"] == "DELETED":
                records.pop(logical, None)
            else:  # a resource whose properties are as they were is passed over
                properties = {**records[logical]["Properties"], "SconesDrifted": True}
                actual = json.loads(one["ActualProperties"])
                records[logical]["Properties"] = {**properties, **({"Tags": actual["Tags"]} if "Tags" in actual else {})}
    return original(params)

"""Pages for the other parts of the cloud.

GET /__local__/tags    {ARN: {key: value}}: the live tags of everything in this process, for the tagging shim (tagging.py)
GET /__local__/alarms  {name: state}, for endpoints whose update is watched by alarms (local_sagemaker/endpoints.py)
GET /__local__/fire    fires a rule or a schedule now (events.py)
GET /__local__/authorize  what IAM decides (enforcement.py)

Gap: MiniStack's GetResources knows neither alarms nor state machines nor log groups nor stacks.
"""

import json

import ministack.app as app
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation, cloudwatch, cloudwatch_logs, eventbridge, lambda_svc, s3, sns, stepfunctions

from ministack_repairs import enforcement, events


def as_map(tags):
    """services keep tags as maps, or as lists of Key/Value, key/value"""
    if isinstance(tags, dict):
        return dict(tags)
    return {tag.get("Key", tag.get("key")): tag.get("Value", tag.get("value", "")) for tag in tags or ()}


def collected():
    where = "%s:%s" % (get_region(), get_account_id())
    for name, function in lambda_svc._functions.items():
        yield "arn:aws:lambda:%s:function:%s" % (where, name), function.get("tags")
    for arn in stepfunctions._state_machines:
        yield arn, stepfunctions._tags.get(arn)
    for alarms in (cloudwatch._alarms, cloudwatch._composite_alarms):
        for alarm in alarms.values():
            yield alarm["AlarmArn"], cloudwatch._resource_tags.get(alarm["AlarmArn"])
    for dashboard in cloudwatch._dashboards.values():
        yield dashboard["DashboardArn"], cloudwatch._resource_tags.get(dashboard["DashboardArn"])
    for name, group in cloudwatch_logs._log_groups.items():
        yield "arn:aws:logs:%s:log-group:%s" % (where, name), group.get("tags")
    for arn, topic in sns._topics.items():
        yield arn, topic.get("tags")
    for name in s3._buckets:
        yield "arn:aws:s3:::%s" % name, s3._bucket_tags.get(name)
    for arn, tags in eventbridge._tags.items():
        yield arn, tags
    for stack in cloudformation._stacks.values():
        if stack.get("StackStatus") not in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS"):
            yield stack["StackId"], stack.get("Tags")


def everything(_):
    return {arn: as_map(tags) for arn, tags in collected() if tags}


def alarms(_):
    return {name: alarm["StateValue"] for kept in (cloudwatch._alarms, cloudwatch._composite_alarms) for name, alarm in kept.items()}


PAGES = {"/__local__/tags": everything, "/__local__/alarms": alarms, "/__local__/fire": events.fire, "/__local__/authorize": enforcement.authorize}


def install():
    original = app._handle_pre_body_request

    async def handle(method, path, headers, query_params, request_id):
        if path in PAGES:
            given = {key: value[0] if isinstance(value, list) else value for key, value in (query_params or {}).items()}
            return 200, {"Content-Type": "application/json"}, json.dumps(PAGES[path](given)).encode()
        return await original(method, path, headers, query_params, request_id)

    app._handle_pre_body_request = handle


install()

"""Monitoring schedules: Pending for a moment after each change, then Scheduled or Stopped.

None ever executes by itself. An execution can be planted by the gateway's control `execution`; while it runs the schedule can neither be changed
nor deleted, as on AWS.
"""

import time

from moto.sagemaker.models import sagemaker_backends

from local_sagemaker import definitions, endpoints, store

RUNNING = ("Pending", "InProgress", "Stopping")
STATUSES = ("Pending", "InProgress", "Stopping", "Stopped", "Completed", "CompletedWithViolations", "Failed")
PRIVATE = ("MonitoringJobDefinitionName", "executions", "settles")
KIND = "monitoring-schedule"
SUMMARY = ("MonitoringScheduleName", "MonitoringScheduleArn", "CreationTime", "LastModifiedTime", "MonitoringScheduleStatus", "EndpointName", "MonitoringJobDefinitionName", "MonitoringType")


def create(given):
    name, config = given["MonitoringScheduleName"], given["MonitoringScheduleConfig"]
    with store.lock:
        store.check_name(name, "monitoringScheduleName")
        if name in store.things[KIND]:
            raise store.ResourceInUseException("Monitoring Schedule %s already exists" % store.arn(KIND, name))
        thing = {"MonitoringScheduleName": name, "MonitoringScheduleArn": store.arn(KIND, name), "CreationTime": store.now(), "executions": []}
        configure(thing, config)
        become(thing, "Scheduled")
        store.create(KIND, "monitoring schedule", name, "monitoringScheduleName", thing, given.get("Tags"))
    return {"MonitoringScheduleArn": thing["MonitoringScheduleArn"]}


def configure(thing, config):
    """the schedule's type and endpoint come from its job definition, inline or by name"""
    inline = config.get("MonitoringJobDefinition")
    kind, endpoint, name = config.get("MonitoringType") or "DataQuality", None, config.get("MonitoringJobDefinitionName")
    if inline:
        inputs = inline.get("MonitoringInputs") or [{}]
        endpoint = (inputs[0].get("EndpointInput") or {}).get("EndpointName")
    elif name:
        if kind == "DataQuality":
            endpoint = definitions.endpoint(definitions.find(name))
        elif kind == "ModelQuality":
            known = sagemaker_backends[store.ACCOUNT][store.REGION].model_quality_job_definitions
            if name not in known:
                raise store.ResourceNotFound("Job Definition %s does not exist" % name)
            endpoint = ((known[name].model_quality_job_input or {}).get("EndpointInput") or {}).get("EndpointName")
    thing.update(MonitoringScheduleConfig=config, MonitoringType=kind)
    for member, value in (("EndpointName", endpoint), ("MonitoringJobDefinitionName", name)):
        thing.pop(member, None)
        if value:
            thing[member] = value


def find(given):
    name = given["MonitoringScheduleName"]
    if name not in store.things[KIND]:
        raise store.ResourceNotFound("Monitoring Schedule %s not found" % store.arn(KIND, name))
    return settled(store.things[KIND][name])


def become(thing, status):
    thing.update(MonitoringScheduleStatus="Pending", LastModifiedTime=store.now(), settles=(time.monotonic() + endpoints.SETTLE, status))


def settled(thing):
    if thing["settles"] and thing["settles"][0] <= time.monotonic():
        thing.update(MonitoringScheduleStatus=thing["settles"][1], settles=None)
    return thing


def changeable(given, what):
    """a schedule that may be changed now; AWS's rule, our words"""
    thing = find(given)
    if thing["MonitoringScheduleStatus"] == "Pending":
        raise store.ValidationError("Monitoring Schedule %s cannot be %s while it is in status Pending" % (thing["MonitoringScheduleArn"], what))
    if any(one["MonitoringExecutionStatus"] in RUNNING for one in thing["executions"]):
        raise store.ValidationError("Monitoring Schedule %s cannot be %s as it has in-progress executions" % (thing["MonitoringScheduleArn"], what))
    return thing


def describe(given):
    with store.lock:
        thing = find(given)
        answer = {key: value for key, value in thing.items() if key not in PRIVATE}
        if thing["executions"]:
            answer["LastMonitoringExecutionSummary"] = dict(thing["executions"][-1])
        return answer


def update(given):
    with store.lock:
        thing = changeable(given, "updated")
        configure(thing, given["MonitoringScheduleConfig"])
        become(thing, "Scheduled")
        return {"MonitoringScheduleArn": thing["MonitoringScheduleArn"]}


def delete(given):
    with store.lock:
        changeable(given, "deleted")
        store.delete(KIND, "monitoring schedule", given["MonitoringScheduleName"])


def change(status):
    def work(given):
        with store.lock:
            thing = find(given)
            if thing["MonitoringScheduleStatus"] == status:
                raise store.ValidationError("Monitoring Schedule %s is already in status %s" % (thing["MonitoringScheduleArn"], status))
            become(thing, status)

    return work


def execution(given):
    """plants an execution, or changes the last one: {MonitoringScheduleName, Status, FailureReason?}"""
    if given.get("Status") not in STATUSES:
        raise store.ValidationError("Status is none of %s" % ", ".join(STATUSES))
    with store.lock:
        thing = find(given)
        rows = thing["executions"]
        if not rows or rows[-1]["MonitoringExecutionStatus"] not in RUNNING:
            known = ("MonitoringScheduleName", "MonitoringType", "EndpointName", "MonitoringJobDefinitionName")
            rows.append({"ScheduledTime": store.now(), "CreationTime": store.now(), **{member: thing[member] for member in known if member in thing}})
        rows[-1].update(MonitoringExecutionStatus=given["Status"], LastModifiedTime=store.now())
        if given.get("FailureReason"):
            rows[-1]["FailureReason"] = given["FailureReason"]
        return dict(rows[-1])


def list_executions(given):
    with store.lock:
        renamed = {"StatusEquals": "MonitoringExecutionStatus", "MonitoringTypeEquals": "MonitoringType"}
        members = ("MonitoringScheduleName", "EndpointName", "MonitoringJobDefinitionName", *renamed)
        every = [dict(one) for thing in store.things[KIND].values() for one in thing["executions"]]
        found = [one for one in every if all(given.get(member) in (None, one.get(renamed.get(member, member))) for member in members)]
        by = {"CreationTime": "CreationTime", "Status": "MonitoringExecutionStatus"}.get(given.get("SortBy"), "ScheduledTime")
        found.sort(key=lambda one: one[by], reverse=given.get("SortOrder", "Descending") == "Descending")
        start, size = int(given.get("NextToken") or 0), int(given.get("MaxResults") or 10)
        return store.page("MonitoringExecutionSummaries", found[start : start + size], str(start + size) if start + size < len(found) else None)


def listed(given):
    with store.lock:
        wanted = lambda one: given.get("EndpointName") in (None, settled(one).get("EndpointName"))  # noqa: E731
        return store.page("MonitoringScheduleSummaries", *store.listed(KIND, given, SUMMARY, "MonitoringScheduleName", wanted=wanted))


OPERATIONS = {
    "CreateMonitoringSchedule": create,
    "DescribeMonitoringSchedule": describe,
    "UpdateMonitoringSchedule": update,
    "DeleteMonitoringSchedule": delete,
    "StartMonitoringSchedule": change("Scheduled"),
    "StopMonitoringSchedule": change("Stopped"),
    "ListMonitoringSchedules": listed,
    "ListMonitoringExecutions": list_executions,
}

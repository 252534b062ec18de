"""Monitoring schedules, which moto lacks. None ever executes: the local cloud has no processing jobs that compute."""

from moto.sagemaker.models import sagemaker_backends

from local_sagemaker import store

KIND = "monitoring-schedule"
SUMMARY = ("MonitoringScheduleName", "MonitoringScheduleArn", "CreationTime", "LastModifiedTime", "MonitoringScheduleStatus", "EndpointName", "MonitoringJobDefinitionName", "MonitoringType")


def create(given):
    name, config = given["MonitoringScheduleName"], given["MonitoringScheduleConfig"]
    with store.lock:
        store.check_name(name, "monitoringScheduleName")
        if name in store.things[KIND]:
            raise store.ResourceInUseException("Monitoring Schedule %s already exists" % store.arn(KIND, name))
        thing = {"MonitoringScheduleName": name, "MonitoringScheduleArn": store.arn(KIND, name), "MonitoringScheduleStatus": "Scheduled"}
        thing.update(CreationTime=store.now(), LastModifiedTime=store.now())
        configure(thing, config)
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
        backend = sagemaker_backends[store.ACCOUNT][store.REGION]
        pools = {"DataQuality": ("data_quality_job_definitions", "data_quality_job_input"), "ModelQuality": ("model_quality_job_definitions", "model_quality_job_input")}
        if kind in pools:
            pool, member = pools[kind]
            if name not in getattr(backend, pool):
                raise store.ValidationError("Could not find monitoring job definition %s" % name)
            endpoint = ((getattr(getattr(backend, pool)[name], member, None) or {}).get("EndpointInput") or {}).get("EndpointName")
    thing.update(MonitoringScheduleConfig=config, MonitoringType=kind)
    for member, value in (("EndpointName", endpoint), ("MonitoringJobDefinitionName", name)):
        thing.pop(member, None)
        if value:
            thing[member] = value


def find(given):
    name = given["MonitoringScheduleName"]
    if name not in store.things[KIND]:
        raise store.ResourceNotFound("Monitoring Schedule %s not found" % store.arn(KIND, name))
    return store.things[KIND][name]


def describe(given):
    with store.lock:
        return {key: value for key, value in find(given).items() if key != "MonitoringJobDefinitionName"}


def update(given):
    with store.lock:
        thing = find(given)
        configure(thing, given["MonitoringScheduleConfig"])
        thing["LastModifiedTime"] = store.now()
        return {"MonitoringScheduleArn": thing["MonitoringScheduleArn"]}


def delete(given):
    with store.lock:
        find(given)
        store.delete(KIND, "monitoring schedule", given["MonitoringScheduleName"])


def become(status):
    def change(given):
        with store.lock:
            find(given).update(MonitoringScheduleStatus=status, LastModifiedTime=store.now())

    return change


def listed(given):
    with store.lock:
        found, token = store.listed(KIND, given, SUMMARY, "MonitoringScheduleName")
        if given.get("EndpointName"):
            found = [one for one in found if one.get("EndpointName") == given["EndpointName"]]
        return store.page("MonitoringScheduleSummaries", found, token)


OPERATIONS = {
    "CreateMonitoringSchedule": create,
    "DescribeMonitoringSchedule": describe,
    "UpdateMonitoringSchedule": update,
    "DeleteMonitoringSchedule": delete,
    "StartMonitoringSchedule": become("Scheduled"),
    "StopMonitoringSchedule": become("Stopped"),
    "ListMonitoringSchedules": listed,
    "ListMonitoringExecutions": lambda given: {"MonitoringExecutionSummaries": []},
}

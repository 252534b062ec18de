"""Data quality job definitions: immutable, tagged at creation, and not deleted while a monitoring schedule names them."""

from local_sagemaker import store

KIND = "data-quality-job-definition"
SUMMARY = ("MonitoringJobDefinitionName", "MonitoringJobDefinitionArn", "CreationTime", "EndpointName")


def create(given):
    name = given["JobDefinitionName"]
    with store.lock:
        store.check_name(name, "jobDefinitionName")
        arn = store.arn(KIND, name)
        if name in store.things[KIND]:
            raise store.ResourceInUseException("Job Definition %s already exists" % arn)
        thing = {key: value for key, value in given.items() if key != "Tags"}
        thing.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": 3600})
        thing["DataQualityJobInput"] = {key: {"S3InputMode": "File", "S3DataDistributionType": "FullyReplicated", **value} for key, value in given["DataQualityJobInput"].items()}
        thing.update(JobDefinitionArn=arn, CreationTime=store.now())
        store.create(KIND, "job definition", name, "jobDefinitionName", thing, given.get("Tags"))
    return {"JobDefinitionArn": arn}


def find(name):
    if name not in store.things[KIND]:
        raise store.ResourceNotFound("Job Definition %s does not exist" % store.arn(KIND, name))
    return store.things[KIND][name]


def endpoint(thing):
    return (thing["DataQualityJobInput"].get("EndpointInput") or {}).get("EndpointName")


def describe(given):
    with store.lock:
        return dict(find(given["JobDefinitionName"]))


def delete(given):
    with store.lock:
        find(given["JobDefinitionName"])
        wanted = (given["JobDefinitionName"], "DataQuality")
        users = [name for name, one in store.things["monitoring-schedule"].items() if (one.get("MonitoringJobDefinitionName"), one["MonitoringType"]) == wanted]
        if users:
            raise store.ResourceInUseException("Job Definition %s is used by the monitoring schedules: %s" % (store.arn(KIND, given["JobDefinitionName"]), ", ".join(users)))
        store.delete(KIND, "job definition", given["JobDefinitionName"])


def listed(given):
    with store.lock:
        wanted = lambda one: given.get("EndpointName") in (None, endpoint(one))  # noqa: E731
        rows, token = store.listed(KIND, given, ("JobDefinitionName",), "JobDefinitionName", wanted=wanted)
        return store.page("JobDefinitionSummaries", [summary(store.things[KIND][one["JobDefinitionName"]]) for one in rows], token)


def summary(thing):
    return dict(zip(SUMMARY, (thing["JobDefinitionName"], thing["JobDefinitionArn"], thing["CreationTime"], endpoint(thing) or "")))


OPERATIONS = {
    "CreateDataQualityJobDefinition": create,
    "DescribeDataQualityJobDefinition": describe,
    "DeleteDataQualityJobDefinition": delete,
    "ListDataQualityJobDefinitions": listed,
}

"""Processing jobs: Model Monitor's baseline is computed (analyzer.py), any other image fails."""

import os

from local_sagemaker import jobs, store

KIND = "processing-job"
SUMMARY = ("ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime", "LastModifiedTime", "ProcessingJobStatus", "FailureReason", "ExitMessage")


def create(given):
    name = given["ProcessingJobName"]
    with store.lock:
        store.check_name(name, "processingJobName")
        arn = store.arn(KIND, name)
        if name in store.things[KIND]:
            raise store.ResourceInUseException("Job name must be unique within an AWS account and region, and a job with this name already exists (%s)" % arn)
        thing = {key: value for key, value in given.items() if key != "Tags"}
        thing.setdefault("StoppingCondition", {"MaxRuntimeInSeconds": 86400})
        thing.update(ProcessingJobArn=arn, ProcessingJobStatus="InProgress", CreationTime=store.now(), LastModifiedTime=store.now())
        store.create(KIND, "processing job", name, "processingJobName", thing, given.get("Tags"))
    job = {
        "s3": os.environ["SCONES_LOCAL_MINISTACK"],
        "image": given["AppSpecification"]["ImageUri"],
        "environment": given.get("Environment") or {},
        "inputs": places(given.get("ProcessingInputs"), "S3Input"),
        "outputs": places((given.get("ProcessingOutputConfig") or {}).get("Outputs"), "S3Output"),
    }
    jobs.start(arn, "analyzer.py", job, lambda message: heard(thing, message), lambda how: ended(thing, how), thing["StoppingCondition"]["MaxRuntimeInSeconds"])
    return {"ProcessingJobArn": arn}


def places(given, member):
    return [{"uri": one[member]["S3Uri"], "path": one[member].get("LocalPath", "")} for one in given or () if one.get(member)]


def heard(thing, message):
    with store.lock:
        thing.setdefault("ProcessingStartTime", store.now())
        if message.get("done"):
            thing["ExitMessage"] = "Completed: Job completed successfully with no violations."
        if message.get("failure"):
            thing["FailureReason"] = message["failure"][:1024]


def ended(thing, how):
    with store.lock:
        thing.setdefault("ProcessingStartTime", store.now())
        status = "Stopped" if how else "Completed" if "ExitMessage" in thing and "FailureReason" not in thing else "Failed"
        if status == "Failed":
            thing.setdefault("FailureReason", "InternalServerError: the analyzer ended without a word; see the log of the process sagemaker")
        thing.update(ProcessingJobStatus=status, ProcessingEndTime=store.now(), LastModifiedTime=store.now())


def found(name):
    if name not in store.things[KIND]:
        raise store.ValidationError("Could not find requested job with name: %s" % name)
    return store.things[KIND][name]


def describe(given):
    with store.lock:
        return store.copied(found(given["ProcessingJobName"]))


def stop(given):
    with store.lock:
        thing = found(given["ProcessingJobName"])
        if thing["ProcessingJobStatus"] != "InProgress":
            raise store.ValidationError("The request was rejected because the processing job is in status %s." % thing["ProcessingJobStatus"])
        thing.update(ProcessingJobStatus="Stopping", LastModifiedTime=store.now())
    jobs.stop(thing["ProcessingJobArn"])


def listed(given):
    with store.lock:
        return store.page("ProcessingJobSummaries", *store.listed(KIND, given, SUMMARY, "ProcessingJobName"))


OPERATIONS = {"CreateProcessingJob": create, "DescribeProcessingJob": describe, "StopProcessingJob": stop, "ListProcessingJobs": listed}

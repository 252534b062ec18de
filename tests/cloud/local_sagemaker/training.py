"""Training jobs, which moto calls Completed at once: here the classifier is trained on the channels' pictures (trainer.py).

InProgress: Starting → Downloading → Training → Uploading, then Completed, Failed with a FailureReason, or Stopped.
"""

import os

from local_sagemaker import jobs, store

KIND = "training-job"
SUMMARY = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime", "TrainingJobStatus", "SecondaryStatus")
MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading the training image and input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
# What the algorithm's own jobs show (developer guide, IC-tuning).
METRICS = [{"Name": "%s:accuracy" % name.lower(), "Regex": "Epoch\\S* %s-accuracy=(\\S*)" % name} for name in ("Train", "Validation")]


def create(given):
    name = given["TrainingJobName"]
    with store.lock:
        store.check_name(name, "trainingJobName")
        arn = store.arn(KIND, name)
        if name in store.things[KIND]:
            raise store.ResourceInUseException("Training job names must be unique within an AWS account and region, and a training job with this name already exists (%s)" % arn)
        image = given["AlgorithmSpecification"].get("TrainingImage") or given["AlgorithmSpecification"].get("AlgorithmName")
        if not image:
            raise store.ValidationError("You must provide either a TrainingImage or an AlgorithmName in the AlgorithmSpecification.")
        artifact = "%s/%s/output/model.tar.gz" % (given["OutputDataConfig"]["S3OutputPath"].rstrip("/"), name)
        thing = {key: value for key, value in given.items() if key != "Tags"}
        thing["AlgorithmSpecification"] = {"EnableSageMakerMetricsTimeSeries": False, "MetricDefinitions": METRICS, **given["AlgorithmSpecification"]}
        thing["OutputDataConfig"] = {"KmsKeyId": "", "CompressionType": "GZIP", **given["OutputDataConfig"]}
        for member in ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining"):
            thing.setdefault(member, False)
        thing.update(TrainingJobArn=arn, TrainingJobStatus="InProgress", CreationTime=store.now(), SecondaryStatusTransitions=[])
        thing["ModelArtifacts"] = {"S3ModelArtifacts": artifact}
        become(thing, "Starting")
        store.create(KIND, "training job", name, "trainingJobName", thing, given.get("Tags"))
    job = {
        "s3": os.environ["SCONES_LOCAL_MINISTACK"],
        "image": image,
        "channels": {one["ChannelName"]: {"uri": one["DataSource"]["S3DataSource"]["S3Uri"], "content": one.get("ContentType")} for one in given.get("InputDataConfig") or ()},
        "hyperparameters": given.get("HyperParameters") or {},
        "artifact": artifact,
    }
    limit = (given.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds") or 86400
    jobs.start(arn, "trainer.py", job, lambda message: heard(thing, message), lambda how: ended(thing, how), limit)
    return {"TrainingJobArn": arn}


def heard(thing, message):
    with store.lock:
        if "status" in message:
            if message["status"] == "Downloading":
                thing["TrainingStartTime"] = store.now()
            if thing["TrainingJobStatus"] == "InProgress":
                become(thing, message["status"])
        if "failure" in message:
            thing["FailureReason"] = message["failure"][:1024]
        if "metrics" in message:
            thing["FinalMetricDataList"] = [{"MetricName": name, "Value": value, "Timestamp": store.now()} for name, value in message["metrics"].items()]


def ended(thing, how):
    with store.lock:
        if how == "stopped":
            status, secondary = "Stopped", "Stopped"
        elif how == "limit":
            status, secondary = "Stopped", "MaxRuntimeExceeded"
        elif "FinalMetricDataList" in thing and "FailureReason" not in thing:
            status, secondary = "Completed", "Completed"
        else:
            thing.setdefault("FailureReason", "InternalServerError: the trainer ended without a word; see the log of the process sagemaker")
            status, secondary = "Failed", "Failed"
        if status != "Completed":
            thing.pop("FinalMetricDataList", None)
            thing.pop("ModelArtifacts")
        become(thing, secondary, thing.get("FailureReason"))
        now = thing["TrainingEndTime"] = thing["SecondaryStatusTransitions"][-1]["EndTime"] = store.now()
        seconds = int((now - thing.get("TrainingStartTime", now)).total_seconds()) + 1
        thing.update(TrainingJobStatus=status, TrainingTimeInSeconds=seconds, BillableTimeInSeconds=seconds)


def become(thing, status, message=None):
    """the next secondary status, with its row in the transitions"""
    rows = thing["SecondaryStatusTransitions"]
    if rows:
        rows[-1].setdefault("EndTime", store.now())
    rows.append({"Status": status, "StartTime": store.now(), "StatusMessage": message or MESSAGES.get(status, "")})
    thing.update(SecondaryStatus=status, LastModifiedTime=store.now())


def found(name):
    if name not in store.things[KIND]:
        raise store.ValidationError("Requested resource not found.")
    return store.things[KIND][name]


def describe(given):
    with store.lock:
        return store.copied(found(given["TrainingJobName"]))


def stop(given):
    with store.lock:
        thing = found(given["TrainingJobName"])
        if thing["TrainingJobStatus"] != "InProgress":
            raise store.ValidationError("The request was rejected because the training job is in status %s." % thing["TrainingJobStatus"])
        thing["TrainingJobStatus"] = "Stopping"
        become(thing, "Stopping")
    jobs.stop(thing["TrainingJobArn"])


def delete(given):
    with store.lock:
        thing = found(given["TrainingJobName"])
        if thing["TrainingJobStatus"] in ("InProgress", "Stopping"):
            raise store.ResourceInUseException("Training job %s is in status %s." % (thing["TrainingJobArn"], thing["TrainingJobStatus"]))
        store.delete(KIND, "training job", given["TrainingJobName"])


def listed(given):
    with store.lock:
        return store.page("TrainingJobSummaries", *store.listed(KIND, given, SUMMARY, "TrainingJobName", "Ascending"))


OPERATIONS = {"CreateTrainingJob": create, "DescribeTrainingJob": describe, "StopTrainingJob": stop, "DeleteTrainingJob": delete, "ListTrainingJobs": listed}

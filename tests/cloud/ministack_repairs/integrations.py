"""Step Functions: tasks that speak with SageMaker, SNS, S3, CloudWatch and Application Auto Scaling.

Gaps: sagemaker:… and aws-sdk:sagemaker tasks are missing, aws-sdk:s3 reads and writes no objects, cloudwatch:putMetricData drops its data.
"""

import json
import time

from botocore.exceptions import BotoCoreError, ClientError
from ministack.services import stepfunctions as svc

from ministack_repairs import around, history, sdk

POLL = 0.2  # seconds between two looks at a job
# What AWS puts on the jobs that it waits for.
MANAGED = {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
# By the operation: the noun in the names of the job's operations and members, and the statuses of a job that still runs.
JOBS = {"createTrainingJob": "TrainingJob", "createProcessingJob": "ProcessingJob"}
RUNNING = ("InProgress", "Stopping", "Pending")
REQUESTS = ("createTrainingJob", "createProcessingJob", "createModel", "createEndpointConfig", "createEndpoint", "updateEndpoint", "addTags")


@around(svc, "_invoke_aws_sdk_integration")
def aws_sdk(original, resource, given):
    name, _, operation = resource.split(":aws-sdk:", 1)[-1].partition(":")
    name, operation = name.lower(), operation.partition(".")[0]
    if name not in sdk.SERVICES:
        return original(resource, given)
    service, prefix = sdk.SERVICES[name]
    try:
        return sdk.received(sdk.call(service, operation[:1].upper() + operation[1:], given), sdk.iso)
    except ClientError as error:
        raise sdk.failure(name, service, prefix, error) from None
    except BotoCoreError as error:
        raise svc._ExecutionError("%s.SdkClientException" % prefix, str(error)) from None


def optimised(prefix, service, operation, given):
    try:
        return sdk.call(service, operation, given)
    except ClientError as error:
        raise sdk.failure_of_optimised(prefix, service, error) from None
    except BotoCoreError as error:
        raise svc._ExecutionError("%s.SdkClientException" % prefix, str(error)) from None


def sagemaker(resource, given):
    operation, _, way = resource.rsplit(":", 1)[-1].partition(".")
    if operation not in REQUESTS or way and operation not in JOBS:
        raise svc._ExecutionError("States.Runtime", "The local cloud has no %s" % resource)
    if way:
        given = {**given, "Tags": list(given.get("Tags") or ()) + [MANAGED]}
    made = sdk.received(optimised("SageMaker", "sagemaker", operation[0].upper() + operation[1:], given), sdk.milliseconds)
    return job(JOBS[operation], given, made) if way else made


def job(noun, given, made):
    """waits for the job to end: its description is the task's output, and the cause when it failed"""
    wanted, waiting = history.submitted(made), {noun + "Name": given[noun + "Name"]}
    while True:
        time.sleep(POLL)
        if not wanted():
            optimised("SageMaker", "sagemaker", "Stop" + noun, waiting)
            raise svc._ExecutionError("States.TaskFailed", "The task was given up; its job is being stopped.")
        try:
            found = sdk.received(sdk.call("sagemaker", "Describe" + noun, waiting), sdk.milliseconds)
        except (ClientError, BotoCoreError):
            continue  # asked again; the state's own limit ends this
        if found[noun + "Status"] == "Completed":
            return found
        if found[noun + "Status"] not in RUNNING:
            raise svc._ExecutionError("States.TaskFailed", json.dumps(found))


def publish(resource, given):
    message = given.get("Message")
    if message is not None and not isinstance(message, str):
        given = {**given, "Message": json.dumps(message, separators=(",", ":"), ensure_ascii=False)}
    return sdk.received(optimised("SNS", "sns", "Publish", given), sdk.milliseconds)


svc._SERVICE_DISPATCH["arn:aws:states:::sagemaker:"] = sagemaker
svc._SERVICE_DISPATCH["arn:aws:states:::sns:publish"] = publish

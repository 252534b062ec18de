"""Calls that a state machine makes as AWS would make them: by botocore, through the gateway, which holds them against the service's model.

AWS speaks with the services by its SDKs for Java: their names of parameters and errors show in inputs, outputs and Catch.
"""

import base64
import datetime
import json
import re
import threading

import botocore.config
import botocore.session
from botocore.exceptions import ParamValidationError
from ministack.services import stepfunctions as svc

from ministack_repairs import paths

# By the name in the task's ARN: botocore's name, and the prefix of errors.
SERVICES = {
    "sagemaker": ("sagemaker", "SageMaker"),
    "sagemakerruntime": ("sagemaker-runtime", "SageMakerRuntime"),
    "cloudwatch": ("cloudwatch", "CloudWatch"),
    "applicationautoscaling": ("application-autoscaling", "ApplicationAutoScaling"),
    "s3": ("s3", "S3"),
    "sns": ("sns", "Sns"),
}
session, clients, making = botocore.session.get_session(), {}, threading.Lock()


def client(service):
    with making:
        if service not in clients:
            config = botocore.config.Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, user_agent_extra="states.amazonaws.com")
            clients[service] = session.create_client(service, config=config)
        return clients[service]


def call(service, operation, given):
    """→ botocore's answer; raises ClientError, or the execution's end when the parameters are none that the operation has"""
    made = client(service)
    known = made.meta.service_model
    if operation not in known.operation_names:
        raise paths.runtime("The resource provided is not supported: %s has no operation %s" % (service, operation))
    shape = known.operation_model(operation).input_shape
    try:
        found = made._make_api_call(operation, sent(given or {}, shape) if shape else {})
    except ParamValidationError as error:
        lines = ", ".join(line.strip() for line in str(error).splitlines()[1:])
        raise paths.runtime("The Parameters '%s' could not be used to start the Task: [%s]" % (json.dumps(given), lines)) from None
    found.pop("ResponseMetadata", None)
    return found


def sent(value, shape):
    """parameters under the model's names; strings become bytes where those are wanted"""
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {java(name): name for name in shape.members}
        renamed = {key if key in shape.members else names.get(key, key): item for key, item in value.items()}
        return {name: sent(item, shape.members[name]) if name in shape.members else item for name, item in renamed.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [sent(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: sent(item, shape.value) for key, item in value.items()}
    if shape.type_name == "blob":
        # A document is written as JSON, and a string is a document too: PutObject stores its quotes.
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return value


def received(value, time):
    """an answer as JSON; time(datetime) → how the integration writes it"""
    if isinstance(value, dict):
        return {java(key): received(item, time) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [received(item, time) for item in value]
    if isinstance(value, datetime.datetime):
        return time(value)
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return value


def java(name):
    """the SDK for Java's name of a member, with a capital: DBName → DbName, S3Uri and Arn as they are"""
    found = re.match(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]{2,}$", name)
    return name[0] + name[1 : found.end()].lower() + name[found.end() :] if found else name


def iso(time):
    return time.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def milliseconds(time):
    return int(time.timestamp() * 1000)


def modelled(service, error):
    """the class of a modelled exception in Java; None for one that the service's model does not have"""
    code = error.response["Error"]["Code"].split("#")[-1]
    for shape in client(service).meta.service_model.error_shapes:
        if code in (shape.name, shape.error_code):
            return shape.name if shape.name.endswith("Exception") else re.sub("Fault$", "", shape.name) + "Exception"
    return None


def failure(name, service, prefix, error):
    """of an aws-sdk task"""
    found, about = error.response["Error"], error.response["ResponseMetadata"]
    cause = "%s (Service: %s, Status Code: %d, Request ID: %s)" % (found.get("Message", ""), prefix, about["HTTPStatusCode"], about.get("RequestId", ""))
    return svc._ExecutionError("%s.%s" % (prefix, modelled(service, error) or prefix + "Exception"), cause)


def failure_of_optimised(prefix, service, error):
    """of a task with an integration of its own, which speaks by the SDK for Java 1"""
    found, about = error.response["Error"], error.response["ResponseMetadata"]
    cause = "%s (Service: Amazon%s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)" % (
        found.get("Message", ""), prefix, about["HTTPStatusCode"], found["Code"], about.get("RequestId", "")
    )
    return svc._ExecutionError("%s.%s" % (prefix, modelled(service, error) or "Amazon%sException" % prefix), cause)

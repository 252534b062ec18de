"""Models: immutable; CreateModel looks at the role's ARN, the model package and whether the artifact is there."""

import http.client
import os
import re
import urllib.parse

from local_sagemaker import registry, store

ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
IMAGE = re.compile(r"[\S]{1,255}")
SUMMARY = ("ModelName", "ModelArn", "CreationTime")


def create_model(given):
    containers = [given["PrimaryContainer"]] if given.get("PrimaryContainer") else list(given.get("Containers") or ())
    if bool(given.get("PrimaryContainer")) == bool(given.get("Containers")):
        raise store.ValidationError("You must provide either a primary container or containers, and not both.")
    store.check_name(given["ModelName"], "modelName")
    role = given.get("ExecutionRoleArn")
    if role is not None and not ROLE.fullmatch(role):
        raise store.ValidationError(
            "1 validation error detected: Value '%s' at 'executionRoleArn' failed to satisfy constraint: Member must satisfy regular expression "
            "pattern: arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+" % role
        )
    for container in containers:
        if not container.get("Image") and not container.get("ModelPackageName"):
            raise store.ValidationError("Either Image or ModelPackageName must be provided.")
        if container.get("Image") and not IMAGE.fullmatch(container["Image"]):
            raise store.ValidationError("Value '%s' at 'image' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\S]+" % container["Image"])
    with store.lock:
        serving = [registry.served(container) for container in containers]
    for container in serving:
        if artifact(container):
            check_artifact(artifact(container), role)
    thing = {key: value for key, value in given.items() if key != "Tags"}
    if "PrimaryContainer" in thing:
        thing["PrimaryContainer"] = echoed(thing["PrimaryContainer"])
    if "Containers" in thing:
        thing["Containers"] = [echoed(container) for container in thing["Containers"]]
    thing.setdefault("EnableNetworkIsolation", False)
    thing["serving"] = serving[0]  # as it is now: a model outlives its package
    thing.update(ModelArn=store.arn("model", given["ModelName"]), CreationTime=store.now())
    with store.lock:
        store.create("model", "model", given["ModelName"], "modelName", thing, given.get("Tags"))
    return {"ModelArn": thing["ModelArn"]}


def echoed(container):
    """what DescribeModel adds: the mode, and the artifact in both of its forms"""
    found = dict(container)
    if not found.get("ModelPackageName"):
        found.setdefault("Mode", "SingleModel")
    url = found.get("ModelDataUrl")
    if url and "ModelDataSource" not in found and found.get("Mode") == "SingleModel":
        found["ModelDataSource"] = {"S3DataSource": {"S3Uri": url, "S3DataType": "S3Object", "CompressionType": "Gzip"}}
    return found


def artifact(container):
    return container.get("ModelDataUrl") or ((container.get("ModelDataSource") or {}).get("S3DataSource") or {}).get("S3Uri")


def check_artifact(url, role):
    where = urllib.parse.urlsplit(url)
    if where.scheme not in ("s3", "https") or not where.netloc:
        raise store.ValidationError("Could not access model data at %s. The URL is not an S3 address." % url)
    # A prefix (multi-model, uncompressed) cannot be asked for with HEAD.
    if where.scheme == "s3" and os.environ.get("SCONES_LOCAL_MINISTACK") and not url.endswith("/") and not exists(where.netloc, where.path):
        raise store.ValidationError(
            "Could not access model data at %s. Please ensure that the role \"%s\" exists and that its trust relationship policy allows the action "
            "\"sts:AssumeRole\" for the service principal \"sagemaker.amazonaws.com\". Also ensure that the role has \"s3:GetObject\" permissions "
            "and that the object is located in %s." % (url, role, store.REGION)
        )


def exists(bucket, path):
    server = urllib.parse.urlsplit(os.environ["SCONES_LOCAL_MINISTACK"])
    connection = http.client.HTTPConnection(server.hostname, server.port, timeout=10)
    try:
        signed = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00"
        connection.request("HEAD", "/%s%s" % (bucket, path), headers={"Authorization": signed})
        return connection.getresponse().status == 200
    finally:
        connection.close()


def describe_model(given):
    with store.lock:
        return {key: value for key, value in store.find("model", "model", given["ModelName"]).items() if key != "serving"}


def delete_model(given):
    with store.lock:
        store.delete("model", "model", given["ModelName"])


def list_models(given):
    with store.lock:
        return store.page("Models", *store.listed("model", given, SUMMARY, "ModelName"))


OPERATIONS = {"CreateModel": create_model, "DescribeModel": describe_model, "DeleteModel": delete_model, "ListModels": list_models}

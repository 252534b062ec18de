"""Permissions for what MiniStack does not answer: SageMaker, Application Auto Scaling and tagging. MiniStack decides, here it is asked.

What is asked about follows the Service Authorization Reference. Signatures of these requests are not verified.
"""

import json
import re

import accounts
import wire

KEY = re.compile(r"Credential=([^/]+)/")
PREFIXES = {"tagging": "tag"}
# SageMaker's resource types by the member that names them.
SAGEMAKER = {
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "ModelName": "model",
    "ModelPackageGroupName": "model-package-group",
    "MonitoringScheduleName": "monitoring-schedule",
    "JobDefinitionName": "data-quality-job-definition",
    "ProcessingJobName": "processing-job",
    "TrainingJobName": "training-job",
}


async def refusal(gateway, service, method, target, headers, body):
    """→ (status, headers, body) if the caller lacks a permission"""
    if service not in ("sagemaker", "application-autoscaling", "tagging"):
        return None
    operation, labels = wire.operation_of(service, method, target, headers, body)
    given = wire.parameters(service, operation, labels, target, headers, body)
    key = KEY.search(headers.get("Authorization", ""))[1]
    for action, resource in asked(service, operation.name, given):
        ask = {"key": key, "action": action, "resource": resource}
        if namespace := given.get("ServiceNamespace"):
            ask["application-autoscaling:service-namespace"] = namespace
        signed = {"Authorization": headers["Authorization"].split(", ")[0]}  # for the region and the account
        async with gateway.client.get(gateway.upstreams["ministack"] + "/__local__/authorize", params=ask, headers=signed) as answer:
            answer.raise_for_status()
            denied = json.loads(await answer.read())
        if denied:
            content = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-requestid": "denied"}
            return 400, content, json.dumps({"__type": denied["code"], "message": denied["message"]}).encode()
    return None


def asked(service, operation, given):
    """→ [(action, resource)]"""
    action = "%s:%s" % (PREFIXES.get(service, service), operation)
    if service == "application-autoscaling" and not operation.startswith("Describe"):
        return [(action, arn(service, "scalable-target/0123456789abcdef"))]
    if service != "sagemaker":
        return [(action, "*")]
    if operation == "ListModelPackages":
        return [(action, arn(service, "model-package/%s/*" % given.get("ModelPackageGroupName", "*")))]
    if operation.startswith("List") and operation != "ListTags":
        return [(action, "*")]
    resources = [arn(service, "%s/%s" % (SAGEMAKER[member], value)) for member, value in given.items() if member in SAGEMAKER]
    resources += [given[member] for member in ("ResourceArn", "ModelPackageName") if str(given.get(member, "")).startswith("arn:")]
    found = [(action, resource) for resource in resources]
    if given.get("Tags") and operation.startswith("Create"):
        found.append(("sagemaker:AddTags", resources[0]))
    return found or [(action, "*")]


def arn(service, resource):
    return "arn:aws:%s:us-east-1:%s:%s" % (service, accounts.ACCOUNT, resource)

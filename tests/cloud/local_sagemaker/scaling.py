"""Application Auto Scaling for endpoints' variants: scalable targets, scaling policies, scheduled actions, and the alarms that AWS makes for target tracking.

Nothing scales here. moto's version is not used: it has neither the errors, nor tags, nor whole pages, and asks no endpoint.
"""

import http.client
import json
import os
import re
import urllib.parse
import uuid

from local_sagemaker import store

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
RESOURCE = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
ROLE = "arn:aws:iam::%s:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint" % store.ACCOUNT
SUSPENDED = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
targets, policies, actions, tagged = {}, {}, {}, {}  # resource → target; (resource, name) → policy, scheduled action; ARN → {key: value}


class ObjectNotFound(store.ServiceException):
    code = "ObjectNotFoundException"


class TagsNotFound(store.ServiceException):
    code = "ResourceNotFoundException"


def clear():
    for kept in (targets, policies, actions, tagged):
        kept.clear()


def checked(given):
    """→ the resource's ID"""
    found = RESOURCE.fullmatch(given["ResourceId"])
    if given["ServiceNamespace"] != "sagemaker" or given["ScalableDimension"] != DIMENSION or not found:
        raise store.ValidationError("Unsupported service namespace, resource type or scalable dimension")
    return given["ResourceId"]


def register(given):
    with store.lock:
        resource = checked(given)
        name, variant = RESOURCE.fullmatch(resource).groups()
        endpoint = store.things["endpoint"].get(name) or {}
        running = [one for one in endpoint.get("ProductionVariants") or () if one["VariantName"] == variant]
        if not running or "CurrentInstanceCount" not in running[0]:
            raise store.ValidationError("The resource %s does not exist, or its variant has no instances to scale" % resource)
        known = targets.get(resource, {})
        low, high = (given.get(member, known.get(member)) for member in ("MinCapacity", "MaxCapacity"))
        if low is None or high is None:
            raise store.ValidationError("MinCapacity and MaxCapacity are required for a new scalable target")
        if low > high:
            raise store.ValidationError("Maximum capacity cannot be less than minimum capacity")
        if not known:
            known = {member: given[member] for member in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
            known.update(CreationTime=store.now(), RoleARN=ROLE, SuspendedState={member: False for member in SUSPENDED})
            known["ScalableTargetARN"] = "arn:aws:application-autoscaling:%s:%s:scalable-target/%s" % (store.REGION, store.ACCOUNT, uuid.uuid4().hex)
            targets[resource], tagged[known["ScalableTargetARN"]] = known, dict(given.get("Tags") or {})
        known.update(MinCapacity=low, MaxCapacity=high)
        known["SuspendedState"].update(given.get("SuspendedState") or {})
        return {"ScalableTargetARN": known["ScalableTargetARN"]}


def target(given):
    resource = checked(given)
    if resource not in targets:
        raise ObjectNotFound("No scalable target found for service namespace: sagemaker, resource ID: %s, scalable dimension: %s" % (resource, DIMENSION))
    return targets[resource]


def deregister(given):
    with store.lock:
        target(given)
        forget(given["ResourceId"])


def forget(resource):
    """a target goes with its policies and scheduled actions, and policies with their alarms"""
    known = targets.pop(resource, None)
    if known:
        tagged.pop(known["ScalableTargetARN"], None)
    for key in [key for key in actions if key[0] == resource]:
        del actions[key]
    for key in [key for key in policies if key[0] == resource]:
        alarms("DeleteAlarms", {"AlarmNames": [one["AlarmName"] for one in policies.pop(key)["Alarms"]]})


def forget_endpoint(name):
    for resource in [one for one in targets if one.startswith("endpoint/%s/variant/" % name)]:
        forget(resource)


def page(member, found, given):
    start, size = int(given.get("NextToken") or 0), given.get("MaxResults") or 50
    answer = {member: store.copied(found[start : start + size])}
    return {**answer, "NextToken": str(start + size)} if start + size < len(found) else answer


def describe(given):
    with store.lock:
        wanted = given.get("ResourceIds")
        ours = given["ServiceNamespace"] == "sagemaker" and given.get("ScalableDimension") in (None, DIMENSION)
        found = [one for one in targets.values() if ours and (not wanted or one["ResourceId"] in wanted)]
        return page("ScalableTargets", found, given)


def put_policy(given):
    with store.lock:
        resource, name, kind = target(given)["ResourceId"], given["PolicyName"], given.get("PolicyType")
        known = policies.get((resource, name), {})
        kind = kind or known.get("PolicyType") or "StepScaling"
        config = given.get(kind + "PolicyConfiguration")
        if not config:
            raise store.ValidationError("The policy of type %s has no configuration" % kind)
        policy = {member: given[member] for member in ("PolicyName", "ServiceNamespace", "ResourceId", "ScalableDimension")}
        policy.update({member: given[member] for member in ("StepScalingPolicyConfiguration", "TargetTrackingScalingPolicyConfiguration") if given.get(member)})
        arn = "arn:aws:autoscaling:%s:%s:scalingPolicy:%s:resource/sagemaker/%s:policyName/%s" % (store.REGION, store.ACCOUNT, uuid.uuid4(), resource, name)
        policy["PolicyARN"] = known.get("PolicyARN", arn)
        policy.update(PolicyType=kind, CreationTime=known.get("CreationTime") or store.now(), Alarms=known.get("Alarms", []))
        if kind == "TargetTrackingScaling":
            policy["Alarms"] = tracked(policy, config)
        policies[resource, name] = policy
        return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}


def tracked(policy, config):
    """the two alarms of target tracking; they keep their names when the policy changes"""
    endpoint, variant = RESOURCE.fullmatch(policy["ResourceId"]).groups()
    names = [one["AlarmName"] for one in policy["Alarms"]] or ["TargetTracking-%s-Alarm%s-%s" % (policy["ResourceId"], side, uuid.uuid4()) for side in ("High", "Low")]
    metric = config.get("CustomizedMetricSpecification") or {
        "Namespace": "AWS/SageMaker",
        "MetricName": "InvocationsPerInstance",
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
        "Statistic": "Sum",
    }
    if "MetricName" in metric:
        for name, factor, periods, comparison in zip(names, (1, 0.9), (3, 15), ("GreaterThanThreshold", "LessThanThreshold")):
            words = "DO NOT EDIT OR DELETE. For TargetTrackingScaling policy %s." % policy["PolicyARN"]
            alarm = {"AlarmName": name, "AlarmDescription": words, "AlarmActions": [policy["PolicyARN"]], "Period": 60}
            alarm.update({member: metric[member] for member in ("Namespace", "MetricName", "Dimensions", "Statistic", "Unit") if metric.get(member)})
            alarms("PutMetricAlarm", {**alarm, "EvaluationPeriods": periods, "Threshold": config["TargetValue"] * factor, "ComparisonOperator": comparison})
    return [{"AlarmName": name, "AlarmARN": "arn:aws:cloudwatch:%s:%s:alarm:%s" % (store.REGION, store.ACCOUNT, name)} for name in names]


def alarms(operation, given):
    """a call to CloudWatch, straight to MiniStack: it is AWS's own"""
    if not os.environ.get("SCONES_LOCAL_MINISTACK") or not any(given.values()):
        return
    server = urllib.parse.urlsplit(os.environ["SCONES_LOCAL_MINISTACK"])
    connection = http.client.HTTPConnection(server.hostname, server.port, timeout=10)
    try:
        signed = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=00"
        headers = {"Authorization": signed, "X-Amz-Target": "GraniteServiceVersion20100801." + operation, "Content-Type": "application/x-amz-json-1.0"}
        connection.request("POST", "/", json.dumps(given), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise store.ValidationError("%s: %s" % (operation, text.decode(errors="replace")[:500]))
    finally:
        connection.close()


def describe_policies(given):
    with store.lock:
        found = [one for one in policies.values() if given["ServiceNamespace"] == "sagemaker" and given.get("ResourceId") in (None, one["ResourceId"])]
        return page("ScalingPolicies", [one for one in found if not given.get("PolicyNames") or one["PolicyName"] in given["PolicyNames"]], given)


def delete_policy(given):
    with store.lock:
        key = checked(given), given["PolicyName"]
        if key not in policies:
            about = "service namespace: sagemaker, resource ID: %s, scalable dimension: %s, policy name: %s" % (key[0], DIMENSION, key[1])
            raise ObjectNotFound("No scaling policy found for " + about)
        alarms("DeleteAlarms", {"AlarmNames": [one["AlarmName"] for one in policies.pop(key)["Alarms"]]})


def put_action(given):
    with store.lock:
        resource, name = target(given)["ResourceId"], given["ScheduledActionName"]
        known = actions.get((resource, name), {})
        if not known and not given.get("Schedule"):
            raise store.ValidationError("Schedule is required for a new scheduled action")
        if not known and not given.get("ScalableTargetAction"):
            raise store.ValidationError("ScalableTargetAction is required for a new scheduled action")
        arn = "arn:aws:autoscaling:%s:%s:scheduledAction:%s:resource/sagemaker/%s:scheduledActionName/%s" % (store.REGION, store.ACCOUNT, uuid.uuid4(), resource, name)
        actions[resource, name] = {"ScheduledActionARN": arn, "CreationTime": store.now(), **known, **given}


def describe_actions(given):
    with store.lock:
        found = [one for one in actions.values() if given["ServiceNamespace"] == "sagemaker" and given.get("ResourceId") in (None, one["ResourceId"])]
        return page("ScheduledActions", [one for one in found if not given.get("ScheduledActionNames") or one["ScheduledActionName"] in given["ScheduledActionNames"]], given)


def delete_action(given):
    with store.lock:
        key = checked(given), given["ScheduledActionName"]
        if key not in actions:
            about = "service namespace: sagemaker, resource ID: %s, scalable dimension: %s, scheduled action name: %s" % (key[0], DIMENSION, key[1])
            raise ObjectNotFound("No scheduled action found for " + about)
        del actions[key]


def tags_of(given):
    if given["ResourceARN"] not in tagged:
        raise TagsNotFound("Scalable target %s does not exist" % given["ResourceARN"])
    return tagged[given["ResourceARN"]]


def tag(given):
    with store.lock:
        tags_of(given).update(given["Tags"])


def untag(given):
    with store.lock:
        for key in given["TagKeys"]:
            tags_of(given).pop(key, None)


def list_tags(given):
    with store.lock:
        return {"Tags": dict(tags_of(given))}


def held_back(name, running, coming):
    """what UpdateEndpoint refuses: a registered variant that is removed, or gets another instance type"""
    types = {one["VariantName"]: one.get("InstanceType") for one in coming}
    registered = [one for one in running if "endpoint/%s/variant/%s" % (name, one["VariantName"]) in targets]
    wrong = [one["VariantName"] for one in registered if types.get(one["VariantName"], "") != one.get("InstanceType")]
    if wrong:
        raise store.ValidationError(
            'The variant(s) "[%s]" must be deregistered as scalable target with AWS Auto Scaling before they can be removed or have their '
            "instance type updated." % ", ".join(wrong)
        )


OPERATIONS = {
    "RegisterScalableTarget": register,
    "DeregisterScalableTarget": deregister,
    "DescribeScalableTargets": describe,
    "PutScalingPolicy": put_policy,
    "DescribeScalingPolicies": describe_policies,
    "DeleteScalingPolicy": delete_policy,
    "PutScheduledAction": put_action,
    "DescribeScheduledActions": describe_actions,
    "DeleteScheduledAction": delete_action,
    "DescribeScalingActivities": lambda given: {"ScalingActivities": []},
    "TagResource": tag,
    "UntagResource": untag,
    "ListTagsForResource": list_tags,
}

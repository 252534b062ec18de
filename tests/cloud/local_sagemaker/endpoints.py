"""Endpoints and their life: Creating → InService or Failed; Updating → InService, or RollingBack → InService on what ran before.

Nothing runs in the background: a change is kept as the steps still to come, each with its time, and every look at an endpoint first takes
the steps that are due. A model whose container has SCONES_LOCAL_FAIL=reason in its Environment cannot be served: creating fails with that
FailureReason, updating rolls back with it. So does an update whose AutoRollbackConfiguration names an alarm that is in ALARM.
"""

import json
import os
import time
import urllib.request

from local_sagemaker import models, scaling, store

SETTLE = float(os.environ.get("SCONES_LOCAL_SETTLE", "0.3"))
SUMMARY = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
PRIVATE = ("steps", "fleet")
BUSY = 'Cannot update in-progress endpoint "%s".'


def create_endpoint(given):
    name = given["EndpointName"]
    with store.lock:
        store.check_name(name, "endpointName")
        fleet = fleet_of(given["EndpointConfigName"])
        advance_all()
        thing = {
            "EndpointName": name,
            "EndpointArn": store.arn("endpoint", name),
            "EndpointConfigName": given["EndpointConfigName"],
            "EndpointStatus": "Creating",
            "CreationTime": store.now(),
            "LastModifiedTime": store.now(),
            "fleet": fleet,
        }
        if given.get("DeploymentConfig"):
            thing["LastDeploymentConfig"] = given["DeploymentConfig"]
        store.create("endpoint", "endpoint", name, "endpointName", thing, given.get("Tags"))

        def finish():
            if fleet["failure"]:
                thing.update(EndpointStatus="Failed", FailureReason=fleet["failure"])
            else:
                thing.update(EndpointStatus="InService", ProductionVariants=variants(fleet))

        plan(thing, (SETTLE, finish))
    return {"EndpointArn": thing["EndpointArn"]}


def update_endpoint(given):
    with store.lock:
        thing = settled(given["EndpointName"])
        fleet = fleet_of(given["EndpointConfigName"])
        scaling.held_back(given["EndpointName"], thing["fleet"]["config"]["ProductionVariants"], fleet["config"]["ProductionVariants"])
        running = {one["VariantName"]: one for one in thing["ProductionVariants"]}
        coming = variants(fleet)
        if given.get("RetainAllVariantProperties"):
            dropped = {one["VariantPropertyType"] for one in given.get("ExcludeRetainedVariantProperties") or ()}
            for one in coming:
                retain(one, running.get(one["VariantName"]), dropped)
            if "DataCaptureConfig" not in dropped:
                fleet["config"] = {**fleet["config"], "DataCaptureConfig": thing["fleet"]["config"].get("DataCaptureConfig")}
        deployment = given.get("DeploymentConfig") or (thing.get("LastDeploymentConfig") if given.get("RetainDeploymentConfig") else None)
        begin(thing, "Updating")
        thing["PendingDeploymentSummary"] = {
            "EndpointConfigName": given["EndpointConfigName"],
            "StartTime": store.now(),
            "ProductionVariants": [{**one, "VariantStatus": [{"Status": "Creating", "StartTime": store.now()}]} for one in coming],
        }

        def succeed():
            thing.pop("FailureReason", None)
            thing.pop("LastDeploymentConfig", None)
            thing.update(EndpointStatus="InService", EndpointConfigName=given["EndpointConfigName"], ProductionVariants=coming, fleet=fleet)
            if deployment:
                thing["LastDeploymentConfig"] = deployment
            end(thing)

        def rolled_back():
            thing.update(EndpointStatus="InService")
            end(thing)

        def decide():
            failure = fleet["failure"] or alarmed(deployment)
            if not failure:
                return succeed()
            thing.update(EndpointStatus="RollingBack", FailureReason=failure)
            plan(thing, (SETTLE / 2, rolled_back))

        plan(thing, (SETTLE, decide))
    return {"EndpointArn": thing["EndpointArn"]}


def update_weights(given):
    with store.lock:
        thing = settled(given["EndpointName"])
        known = {one["VariantName"]: one for one in thing["ProductionVariants"]}
        for wanted in given["DesiredWeightsAndCapacities"]:
            if wanted["VariantName"] not in known:
                raise store.ValidationError('The variant name(s) "%s" is/are not present within endpoint configuration "%s".' % (wanted["VariantName"], thing["EndpointConfigName"]))
        for wanted in given["DesiredWeightsAndCapacities"]:
            variant = known[wanted["VariantName"]]
            if wanted.get("DesiredWeight") is not None:
                variant["DesiredWeight"] = float(wanted["DesiredWeight"])
            if wanted.get("DesiredInstanceCount") is not None:
                variant["DesiredInstanceCount"] = wanted["DesiredInstanceCount"]
        begin(thing, "Updating")

        def finish():
            for variant in thing["ProductionVariants"]:
                variant["CurrentWeight"] = variant["DesiredWeight"]
                if "DesiredInstanceCount" in variant:
                    variant["CurrentInstanceCount"] = variant["DesiredInstanceCount"]
            thing.update(EndpointStatus="InService")
            end(thing)

        plan(thing, (SETTLE, finish))
    return {"EndpointArn": thing["EndpointArn"]}


def delete_endpoint(given):
    with store.lock:
        thing = found(given["EndpointName"])
        if thing["EndpointStatus"] in ("Updating", "RollingBack", "Deleting"):
            raise store.ValidationError(BUSY % thing["EndpointArn"])
        scaling.forget_endpoint(given["EndpointName"])
        begin(thing, "Deleting")
        plan(thing, (SETTLE, lambda: store.delete("endpoint", "endpoint", given["EndpointName"])))


def describe_endpoint(given):
    with store.lock:
        thing = found(given["EndpointName"])
        answer = {key: value for key, value in thing.items() if key not in PRIVATE}
        summary = capture_summary(thing)
        return {**answer, "DataCaptureConfig": summary} if summary else answer


def list_endpoints(given):
    with store.lock:
        advance_all()
        return store.page("Endpoints", *store.listed("endpoint", given, SUMMARY, "EndpointName"))


def live(name):
    """for the model server: what serves now; None when there is no such endpoint"""
    with store.lock:
        advance_all()
        thing = store.things["endpoint"].get(name)
        if thing is None:
            return None
        weights = {one["VariantName"]: one["CurrentWeight"] for one in thing.get("ProductionVariants") or ()}
        return {
            "status": thing["EndpointStatus"],
            "variants": [{**one, "weight": weights.get(one["name"], 0.0)} for one in thing["fleet"]["serving"]],
            "capture": thing["fleet"]["config"].get("DataCaptureConfig"),
        }


# ---- a fleet: an endpoint configuration as it was when it was deployed


def fleet_of(config_name):
    config = dict(store.find("endpoint-config", "endpoint configuration", config_name))
    serving, failure = [], None
    for variant in config.get("ProductionVariants") or ():
        container = store.find("model", "model", variant["ModelName"])["serving"] if variant.get("ModelName") else {}
        serving.append({"name": variant["VariantName"], "artifact": models.artifact(container), "image": container.get("Image"), "model": variant.get("ModelName")})
        failure = failure or (container.get("Environment") or {}).get("SCONES_LOCAL_FAIL")
    return {"config": config, "serving": serving, "failure": failure}


def variants(fleet):
    """DescribeEndpoint's view of a configuration's variants, in order of name"""
    images = {one["name"]: one["image"] for one in fleet["serving"]}
    answer = []
    for given in sorted(fleet["config"].get("ProductionVariants") or (), key=lambda one: one["VariantName"]):
        weight, image = given["InitialVariantWeight"], images[given["VariantName"]]
        one = {"VariantName": given["VariantName"], "CurrentWeight": weight, "DesiredWeight": weight}
        if image:
            one["DeployedImages"] = [{"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": store.now()}]
        if given.get("InitialInstanceCount"):
            one.update(CurrentInstanceCount=given["InitialInstanceCount"], DesiredInstanceCount=given["InitialInstanceCount"])
        if given.get("ServerlessConfig"):
            one.update(CurrentServerlessConfig=given["ServerlessConfig"], DesiredServerlessConfig=given["ServerlessConfig"])
        for member in ("ManagedInstanceScaling", "RoutingConfig"):
            if given.get(member):
                one[member] = given[member]
        answer.append(one)
    return answer


def retain(coming, running, dropped):
    if not running:
        return
    if "DesiredWeight" not in dropped:
        coming.update(CurrentWeight=running["CurrentWeight"], DesiredWeight=running["DesiredWeight"])
    if "DesiredInstanceCount" not in dropped and "CurrentInstanceCount" in running and "CurrentInstanceCount" in coming:
        coming.update(CurrentInstanceCount=running["CurrentInstanceCount"], DesiredInstanceCount=running["DesiredInstanceCount"])


def alarmed(deployment):
    """why a deployment's own alarms roll it back; None when none of them is in ALARM"""
    alarms = [one["AlarmName"] for one in ((deployment or {}).get("AutoRollbackConfiguration") or {}).get("Alarms") or ()]
    if not alarms or not os.environ.get("SCONES_LOCAL_MINISTACK"):
        return None
    with urllib.request.urlopen(os.environ["SCONES_LOCAL_MINISTACK"] + "/__local__/alarms", timeout=10) as answer:
        states = json.load(answer)
    ringing = [name for name in alarms if states.get(name) == "ALARM"]
    return "The deployment was rolled back because of alarms in state ALARM: %s." % ", ".join(ringing) if ringing else None


def capture_summary(thing):
    config = thing["fleet"]["config"].get("DataCaptureConfig")
    if not config:
        return None
    on = bool(config.get("EnableCapture")) and thing["EndpointStatus"] in ("InService", "Updating", "RollingBack")
    return {
        "EnableCapture": bool(config.get("EnableCapture")),
        "CaptureStatus": "Started" if on else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }


# ---- steps in time


def found(name):
    advance_all()
    return store.find("endpoint", "endpoint", name)


def settled(name):
    """an endpoint that may be changed now"""
    thing = found(name)
    if thing["EndpointStatus"] != "InService":
        if thing["EndpointStatus"] == "Failed":
            raise store.ValidationError('Cannot update endpoint "%s" in status Failed: it can only be deleted.' % thing["EndpointArn"])
        raise store.ValidationError(BUSY % thing["EndpointArn"])
    return thing


def begin(thing, status):
    thing.update(EndpointStatus=status, LastModifiedTime=store.now())


def end(thing):
    thing.pop("PendingDeploymentSummary", None)


def plan(thing, *steps):
    start = time.monotonic()
    thing["steps"] = [(start + delay, step) for delay, step in steps]


def advance_all():
    now = time.monotonic()
    for thing in list(store.things["endpoint"].values()):
        while thing.get("steps") and thing["steps"][0][0] <= now:
            _, step = thing["steps"].pop(0)
            step()  # which may plan further ones
            thing["LastModifiedTime"] = store.now()


OPERATIONS = {
    "CreateEndpoint": create_endpoint,
    "UpdateEndpoint": update_endpoint,
    "UpdateEndpointWeightsAndCapacities": update_weights,
    "DeleteEndpoint": delete_endpoint,
    "DescribeEndpoint": describe_endpoint,
    "ListEndpoints": list_endpoints,
}

"""Endpoints and their life: Creating → InService or Failed; Updating → InService, or RollingBack → InService on what ran before.

A change is kept as the steps still to come, each with its time; every look at an endpoint, and a thread that looks ten times a second, first
takes the steps that are due. An update shifts the traffic as its DeploymentConfig says, bakes each step for as long, SCONES_LOCAL_BAKE seconds
at most, and goes back as soon as one of its alarms is in ALARM, or when its time is up. A model whose container has SCONES_LOCAL_FAIL=reason in its Environment cannot be served:
creating fails with that FailureReason, updating rolls back with it; with SCONES_LOCAL_STUCK too, rolling back fails. held has the endpoints
whose bakes do not end, by the gateway's control.
"""

import json
import os
import time
import urllib.request

from local_sagemaker import models, scaling, store

SETTLE = float(os.environ.get("SCONES_LOCAL_SETTLE", "0.3"))
LONGEST_BAKE = float(os.environ.get("SCONES_LOCAL_BAKE", "1"))
SUMMARY = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
PRIVATE = ("steps", "fleet", "deployment")
held = set()  # names of endpoints whose bakes do not end
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
        Deployment(thing, given["EndpointConfigName"], fleet, coming, deployment or {}).begin()
    return {"EndpointArn": thing["EndpointArn"]}


class Deployment:
    """an update on its way: a blue/green deployment by the stages of its traffic"""

    def __init__(self, thing, config, fleet, coming, given):
        self.thing, self.config, self.fleet, self.coming, self.given = thing, config, fleet, coming, given
        policy = given.get("BlueGreenUpdatePolicy") or {}
        routing = policy.get("TrafficRoutingConfiguration") or {}
        self.alarms = [one["AlarmName"] for one in (given.get("AutoRollbackConfiguration") or {}).get("Alarms") or ()]
        self.bake, self.shares = min(routing.get("WaitIntervalInSeconds", 0), LONGEST_BAKE), shares(routing)
        self.share, self.looked = 0, 0.0
        self.until = time.monotonic() + policy.get("MaximumExecutionTimeoutInSeconds", 4 * 3600)

    def begin(self):
        begin(self.thing, "Updating")
        self.thing["PendingDeploymentSummary"] = {
            "EndpointConfigName": self.config,
            "StartTime": store.now(),
            "ProductionVariants": [{**one, "VariantStatus": []} for one in self.coming],
        }
        self.thing["deployment"] = self
        self.stage("Creating")
        plan(self.thing, (SETTLE, self.created))

    def stage(self, status):
        for one in self.thing["PendingDeploymentSummary"]["ProductionVariants"]:
            one["VariantStatus"] = [{"Status": status, "StartTime": store.now()}]

    def created(self):
        if self.fleet["failure"]:
            return self.go_back(self.fleet["failure"])
        self.shift()

    def shift(self):
        self.share = self.shares.pop(0)
        self.stage("Baking")
        plan(self.thing, (self.bake, self.baked))

    def baked(self):
        if self.thing["EndpointName"] in held:
            return plan(self.thing, (0.05, self.baked))
        failure = alarmed(self.alarms)  # which may have begun to ring since the last look
        if failure:
            return self.go_back(failure)
        if self.shares:
            return self.shift()
        self.thing.pop("FailureReason", None)
        self.thing.pop("LastDeploymentConfig", None)
        self.thing.update(EndpointStatus="InService", EndpointConfigName=self.config, ProductionVariants=self.coming, fleet=self.fleet)
        if self.given:
            self.thing["LastDeploymentConfig"] = self.given
        end(self.thing)

    def look(self, now):
        """goes back when an alarm rings or time is up"""
        if self.thing["EndpointStatus"] != "Updating" or now - self.looked < 0.1:
            return
        self.looked = now
        failure = "The deployment took longer than its maximum execution time." if now > self.until else alarmed(self.alarms)
        if failure:
            self.go_back(failure)

    def go_back(self, reason):
        self.share = 0
        self.thing.update(EndpointStatus="RollingBack", FailureReason=reason, LastModifiedTime=store.now())
        plan(self.thing, (SETTLE / 2, self.gone_back))

    def gone_back(self):
        self.thing.update(EndpointStatus="UpdateRollbackFailed" if self.fleet["stuck"] else "InService")
        end(self.thing)


def shares(routing):
    """the percentages of the traffic that the new fleet gets, one stage after the other"""
    size = lambda member: (routing.get(member) or {}).get("Value")  # noqa: E731
    if routing.get("Type") == "CANARY":
        return [size("CanarySize"), 100]
    if routing.get("Type") == "LINEAR":
        step = size("LinearStepSize")
        return [*range(step, 100, step), 100]
    return [100]


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
        deployment = thing.get("deployment")
        share = deployment.share if deployment else 0
        serving = weighted(thing["fleet"], thing.get("ProductionVariants") or (), 100 - share)
        if share:
            serving += weighted(deployment.fleet, deployment.coming, share)
        return {"status": thing["EndpointStatus"], "variants": serving, "capture": thing["fleet"]["config"].get("DataCaptureConfig")}


def weighted(fleet, summaries, share):
    """what a fleet serves, with its share of the traffic"""
    weights = {one["VariantName"]: one["CurrentWeight"] for one in summaries}
    total = sum(weights.values()) or 1.0
    return [{**one, "weight": weights.get(one["name"], 0.0) / total * share} for one in fleet["serving"]]


# ---- a fleet: an endpoint configuration as it was when it was deployed


def fleet_of(config_name):
    config = dict(store.find("endpoint-config", "endpoint configuration", config_name))
    serving, failure, stuck = [], None, False
    for variant in config.get("ProductionVariants") or ():
        container = store.find("model", "model", variant["ModelName"])["serving"] if variant.get("ModelName") else {}
        serving.append({"name": variant["VariantName"], "artifact": models.artifact(container), "image": container.get("Image"), "model": variant.get("ModelName")})
        environment = container.get("Environment") or {}
        failure, stuck = failure or environment.get("SCONES_LOCAL_FAIL"), stuck or "SCONES_LOCAL_STUCK" in environment
    return {"config": config, "serving": serving, "failure": failure, "stuck": stuck}


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


def alarmed(alarms):
    """why a deployment's own alarms roll it back; None when none of them is in ALARM"""
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
    if thing["EndpointStatus"] not in ("InService", "UpdateRollbackFailed"):
        if thing["EndpointStatus"] == "Failed":
            raise store.ValidationError('Cannot update endpoint "%s" in status Failed: it can only be deleted.' % thing["EndpointArn"])
        raise store.ValidationError(BUSY % thing["EndpointArn"])
    return thing


def begin(thing, status):
    thing.update(EndpointStatus=status, LastModifiedTime=store.now())


def end(thing):
    thing.pop("PendingDeploymentSummary", None)
    thing.pop("deployment", None)


def plan(thing, *steps):
    start = time.monotonic()
    thing["steps"] = [(start + delay, step) for delay, step in steps]


def advance_all():
    now = time.monotonic()
    for thing in list(store.things["endpoint"].values()):
        if thing.get("deployment"):
            thing["deployment"].look(now)
        while thing.get("steps") and thing["steps"][0][0] <= now:
            _, step = thing["steps"].pop(0)
            step()  # which may plan further ones
            thing["LastModifiedTime"] = store.now()


def watch():
    """a thread's work: deployments go on, and go back, though nobody looks"""
    while True:
        time.sleep(0.1)
        with store.lock:
            if any(thing.get("deployment") for thing in store.things["endpoint"].values()):
                advance_all()


def hold(name, action):
    """for the gateway's control: bakes of an endpoint, one to come too, do not end until they are released"""
    if action not in ("hold", "release"):
        raise store.ValidationError("a bake is held or released, not %r" % action)
    with store.lock:
        (held.add if action == "hold" else held.discard)(name)
        return {"held": sorted(held)}


def clear():
    with store.lock:
        held.clear()


OPERATIONS = {
    "CreateEndpoint": create_endpoint,
    "UpdateEndpoint": update_endpoint,
    "UpdateEndpointWeightsAndCapacities": update_weights,
    "DeleteEndpoint": delete_endpoint,
    "DescribeEndpoint": describe_endpoint,
    "ListEndpoints": list_endpoints,
}

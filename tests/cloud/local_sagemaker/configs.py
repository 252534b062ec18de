"""Endpoint configurations: immutable; their models must exist."""

from local_sagemaker import store

WORDS = "endpoint configuration"
SUMMARY = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")


def create_endpoint_config(given):
    name = given["EndpointConfigName"]
    thing = {key: value for key, value in given.items() if key != "Tags"}
    names = set()
    with store.lock:
        for member in ("ProductionVariants", "ShadowProductionVariants"):
            if given.get(member):
                thing[member] = [variant(one, names) for one in given[member]]
        thing.setdefault("EnableNetworkIsolation", False)
        thing.update(EndpointConfigArn=store.arn("endpoint-config", name), CreationTime=store.now())
        store.create("endpoint-config", WORDS, name, "endpointConfigName", thing, given.get("Tags"))
    return {"EndpointConfigArn": thing["EndpointConfigArn"]}


def variant(given, names):
    found = dict(given)
    if found["VariantName"] in names:
        raise store.ValidationError("Duplicate variant name %s: variant names must be unique." % found["VariantName"])
    names.add(found["VariantName"])
    if found.get("ModelName"):
        store.find("model", "model", found["ModelName"])
    if not found.get("InstanceType") and not found.get("ServerlessConfig"):
        raise store.ValidationError("Variant %s needs either an InstanceType or a ServerlessConfig." % found["VariantName"])
    if found.get("InstanceType") and not found.get("InitialInstanceCount") and not found.get("ManagedInstanceScaling"):
        raise store.ValidationError("Initial instance count must be specified for variant %s." % found["VariantName"])
    found.setdefault("InitialVariantWeight", 1.0)
    found["InitialVariantWeight"] = float(found["InitialVariantWeight"])
    return found


def describe_endpoint_config(given):
    with store.lock:
        return dict(store.find("endpoint-config", WORDS, given["EndpointConfigName"]))


def delete_endpoint_config(given):
    with store.lock:
        store.delete("endpoint-config", WORDS, given["EndpointConfigName"])


def list_endpoint_configs(given):
    with store.lock:
        return store.page("EndpointConfigs", *store.listed("endpoint-config", given, SUMMARY, "EndpointConfigName"))


OPERATIONS = {
    "CreateEndpointConfig": create_endpoint_config,
    "DescribeEndpointConfig": describe_endpoint_config,
    "DeleteEndpointConfig": delete_endpoint_config,
    "ListEndpointConfigs": list_endpoint_configs,
}

"""The model registry: model package groups, their versions 1, 2, …, and what an approved version gives to a model."""

import json

from local_sagemaker import store

GROUP, PACKAGE = "model-package-group", "model-package"
GROUP_SUMMARY = ("ModelPackageGroupName", "ModelPackageGroupArn", "ModelPackageGroupDescription", "CreationTime", "ModelPackageGroupStatus")
SUMMARY = (
    *("ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn"),
    *("ModelPackageDescription", "CreationTime", "ModelPackageStatus", "ModelApprovalStatus"),
)
UPDATED = ("ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "SourceUri", "ModelCard", "ModelLifeCycle")
PRIVATE = ("versions", "policy")  # the highest number that was ever given: none comes twice; who else may use the group


def create_group(given):
    name = given["ModelPackageGroupName"]
    with store.lock:
        store.check_name(name, "modelPackageGroupName")
        arn = store.arn(GROUP, name)
        if name in store.things[GROUP]:
            raise store.ValidationError("Model Package Group already exists: %s" % arn)
        thing = {key: value for key, value in given.items() if key != "Tags"}
        thing.update(ModelPackageGroupArn=arn, ModelPackageGroupStatus="Completed", CreationTime=store.now(), CreatedBy={}, versions=0)
        store.create(GROUP, "model package group", name, "modelPackageGroupName", thing, given.get("Tags"))
    return {"ModelPackageGroupArn": arn}


def group(name):
    """by name or by ARN"""
    name = name.rsplit("/", 1)[-1]
    if name not in store.things[GROUP]:
        raise store.ValidationError("ModelPackageGroup %s does not exist." % store.arn(GROUP, name))
    return store.things[GROUP][name]


def describe_group(given):
    with store.lock:
        return {key: value for key, value in group(given["ModelPackageGroupName"]).items() if key not in PRIVATE}


def delete_group(given):
    with store.lock:
        thing = group(given["ModelPackageGroupName"])
        if any(one.get("ModelPackageGroupName") == thing["ModelPackageGroupName"] for one in store.things[PACKAGE].values()):
            raise store.ConflictException("Model Package Group %s cannot be deleted because it still contains model packages" % thing["ModelPackageGroupArn"])
        store.delete(GROUP, "model package group", thing["ModelPackageGroupName"])


def put_policy(given):
    with store.lock:
        thing = shared(given["ModelPackageGroupName"])
        try:
            json.loads(given["ResourcePolicy"])
        except ValueError:
            raise store.ValidationError("Invalid resource policy document.") from None
        thing["policy"] = given["ResourcePolicy"]
        return {"ModelPackageGroupArn": thing["ModelPackageGroupArn"]}


def get_policy(given):
    with store.lock:
        return {"ResourcePolicy": policy_of(given)["policy"]}


def delete_policy(given):
    with store.lock:
        del policy_of(given)["policy"]


def shared(name):
    """calls about policies have an error of their own for groups that do not exist"""
    if name.rsplit("/", 1)[-1] not in store.things[GROUP]:
        raise store.ValidationError("Cannot find Model Package Group: %s" % store.arn(GROUP, name))
    return group(name)


def policy_of(given):
    thing = shared(given["ModelPackageGroupName"])
    if "policy" not in thing:
        raise store.ValidationError("Cannot find resource policy for: %s" % thing["ModelPackageGroupArn"])
    return thing


def list_groups(given):
    with store.lock:
        return store.page("ModelPackageGroupSummaryList", *store.listed(GROUP, given, GROUP_SUMMARY, "ModelPackageGroupName", "Ascending"))


def create_package(given):
    name, into = given.get("ModelPackageName"), given.get("ModelPackageGroupName")
    with store.lock:
        if bool(name) == bool(into):
            both = "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one to use."
            raise store.ValidationError(both if name else "Missing ARN.")
        if not any(given.get(member) for member in ("InferenceSpecification", "SourceAlgorithmSpecification", "SourceUri")):
            raise store.ValidationError("An InferenceSpecification, a SourceAlgorithmSpecification or a SourceUri must be provided.")
        thing = {key: value for key, value in given.items() if key not in ("Tags", "ClientToken")}
        if into:
            if given.get("Tags"):
                raise store.ValidationError("Tags cannot be given for a versioned model package: it has those of its group.")
            owner = group(into)
            owner["versions"] += 1
            name = "%s/%d" % (owner["ModelPackageGroupName"], owner["versions"])
            thing.update(ModelPackageGroupName=owner["ModelPackageGroupName"], ModelPackageVersion=owner["versions"])
            thing.setdefault("ModelApprovalStatus", "PendingManualApproval")
        else:
            store.check_name(name, "modelPackageName")
            if name in store.things[PACKAGE]:
                raise store.ConflictException("Model Package already exists: %s" % store.arn(PACKAGE, name))
        arn = store.arn(PACKAGE, name)
        thing.setdefault("CertifyForMarketplace", False)
        thing.update(ModelPackageArn=arn, ModelPackageStatus="Completed", CreationTime=store.now(), CreatedBy={})
        thing["ModelPackageStatusDetails"] = {"ValidationStatuses": [{"Name": arn, "Status": "NotStarted"}]}
        store.things[PACKAGE][name] = thing
        store.tagged[arn] = {tag["Key"]: tag["Value"] for tag in given.get("Tags") or ()}
    return {"ModelPackageArn": arn}


def package(name):
    """by ARN, or an unversioned one by name"""
    wanted = name.split(":model-package/", 1)[-1]
    for known, thing in store.things[PACKAGE].items():
        if known.lower() == wanted.lower():
            return known, thing
    raise store.ValidationError("ModelPackage %s does not exist." % (name if name.startswith("arn:") else store.arn(PACKAGE, name)))


def describe_package(given):
    with store.lock:
        return store.copied(package(given["ModelPackageName"])[1])


def update_package(given):
    with store.lock:
        _, thing = package(given["ModelPackageArn"])
        thing.update({member: given[member] for member in UPDATED if given.get(member) is not None})
        properties = {**thing.get("CustomerMetadataProperties", {}), **(given.get("CustomerMetadataProperties") or {})}
        for name in given.get("CustomerMetadataPropertiesToRemove") or ():
            properties.pop(name, None)
        if properties or "CustomerMetadataProperties" in thing:
            thing["CustomerMetadataProperties"] = properties
        more = given.get("AdditionalInferenceSpecificationsToAdd")
        if more:
            thing["AdditionalInferenceSpecifications"] = thing.get("AdditionalInferenceSpecifications", []) + more
        thing.update(LastModifiedTime=store.now(), LastModifiedBy={})
        return {"ModelPackageArn": thing["ModelPackageArn"]}


def delete_package(given):
    with store.lock:
        name, thing = package(given["ModelPackageName"])
        del store.things[PACKAGE][name]
        store.tagged.pop(thing["ModelPackageArn"], None)


def list_packages(given):
    """versions of one group; without a group unversioned packages, unless ModelPackageType says otherwise"""
    with store.lock:
        into = group(given["ModelPackageGroupName"])["ModelPackageGroupName"] if given.get("ModelPackageGroupName") else None
        kind = given.get("ModelPackageType") or ("Versioned" if into else "Unversioned")

        def wanted(thing):
            of = thing.get("ModelPackageGroupName")
            return (
                (kind == "Both" or (kind == "Versioned") == bool(of))
                and (not into or of == into)
                and given.get("ModelApprovalStatus") in (None, thing.get("ModelApprovalStatus"))
                and (given.get("NameContains") or "").lower() in (of or thing["ModelPackageName"]).lower()
            )

        given = {key: value for key, value in given.items() if key != "NameContains"}
        return store.page("ModelPackageSummaryList", *store.listed(PACKAGE, given, SUMMARY, "ModelPackageArn", "Ascending", wanted))


def served(container):
    """what a model's container runs: itself, or the first container of its model package

    On AWS a version that is not approved cannot be deployed; that CreateModel is what refuses it, and the text, are ours.
    """
    if not container.get("ModelPackageName"):
        return container
    _, thing = package(container["ModelPackageName"])
    if thing.get("ModelApprovalStatus", "Approved") != "Approved":
        raise store.ValidationError("Cannot create a model from model package %s: its approval status is %s." % (thing["ModelPackageArn"], thing["ModelApprovalStatus"]))
    containers = (thing.get("InferenceSpecification") or {}).get("Containers")
    if not containers:
        raise store.ValidationError("Model package %s has no inference specification." % thing["ModelPackageArn"])
    return {**containers[0], "Environment": {**(containers[0].get("Environment") or {}), **(container.get("Environment") or {})}}


OPERATIONS = {
    "CreateModelPackageGroup": create_group,
    "DescribeModelPackageGroup": describe_group,
    "DeleteModelPackageGroup": delete_group,
    "ListModelPackageGroups": list_groups,
    "PutModelPackageGroupPolicy": put_policy,
    "GetModelPackageGroupPolicy": get_policy,
    "DeleteModelPackageGroupPolicy": delete_policy,
    "CreateModelPackage": create_package,
    "DescribeModelPackage": describe_package,
    "UpdateModelPackage": update_package,
    "DeleteModelPackage": delete_package,
    "ListModelPackages": list_packages,
}

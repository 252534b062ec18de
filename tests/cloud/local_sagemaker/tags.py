"""AddTags, DeleteTags, ListTags for our own kinds; moto's own resources keep moto's tags."""

from moto.sagemaker.models import sagemaker_backends

from local_sagemaker import store


def kind_of(arn):
    return arn.split(":", 5)[-1].split("/")[0]


def known(arn):
    """→ the tags of one of our things; None when the ARN is of a kind that moto keeps"""
    if kind_of(arn) not in store.things:
        return None
    if arn not in store.tagged:
        raise store.ValidationError("Could not find %s \"%s\"." % (kind_of(arn).replace("-", " "), arn))
    return store.tagged[arn]


def moto():
    return sagemaker_backends[store.ACCOUNT][store.REGION]


def add_tags(given):
    with store.lock:
        kept = known(given["ResourceArn"])
        if kept is None:
            for tag in given["Tags"]:  # moto appends: a key set again would appear twice
                moto().delete_tags(given["ResourceArn"], [tag["Key"]])
            return {"Tags": moto().add_tags(given["ResourceArn"], given["Tags"])}
        merged = {**kept, **{tag["Key"]: tag["Value"] for tag in given["Tags"]}}
        if len(merged) > 50:
            raise store.ValidationError("Number of tags exceeds the limit of 50")
        kept.update(merged)
        return {"Tags": as_list(kept)}


def delete_tags(given):
    with store.lock:
        kept = known(given["ResourceArn"])
        if kept is None:
            moto().delete_tags(given["ResourceArn"], given["TagKeys"])
        for key in given["TagKeys"]:
            (kept or {}).pop(key, None)


def list_tags(given):
    with store.lock:
        kept = known(given["ResourceArn"])
        if kept is None:
            return {"Tags": moto()._get_resource_from_arn(given["ResourceArn"]).tags or []}
        return {"Tags": as_list(kept)}


def as_list(kept):
    return [{"Key": key, "Value": value} for key, value in kept.items()]


def everything():
    """→ {ARN: {key: value}} of all that carries tags, for the tagging shim"""
    with store.lock:
        found = {arn: dict(kept) for arn, kept in store.tagged.items() if kept}
        for thing in moto().model_quality_job_definitions.values():
            if getattr(thing, "tags", None):
                found[thing.arn] = {tag["Key"]: tag["Value"] for tag in thing.tags}
        return found


OPERATIONS = {"AddTags": add_tags, "DeleteTags": delete_tags, "ListTags": list_tags}

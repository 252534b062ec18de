"""CloudFormation: buckets as resources, with the properties that templates of ours set.

Gaps: neither the template's tags nor the stack's reach a bucket; encryption, lifecycle and ownership of the template are passed over, and so is a
versioning that is not Enabled; a bucket that still holds objects is deleted with its stack, on AWS the stack becomes DELETE_FAILED.
"""

from xml.etree import ElementTree

from ministack.services import s3
from ministack.services.cloudformation import provisioners

BUCKET = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
provisioners._STACK_TAG_PROPERTY["AWS::S3::Bucket"] = ("Tags", "list")
BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def flag(value):
    return str(value).lower() == "true"


def document(root, *members):
    """nested (name, text or members) pairs as XML"""

    def put(element, pairs):
        for name, value in pairs:
            child = ElementTree.SubElement(element, name)
            if isinstance(value, list):
                put(child, value)
            else:
                child.text = str(value).lower() if isinstance(value, bool) else str(value)

    element = ElementTree.Element(root, xmlns=s3.S3_NS)
    put(element, members)
    return ElementTree.tostring(element)


def texts(body, name):
    """the texts of all elements of a name, whatever their namespace"""
    return [one.text for one in ElementTree.fromstring(body).iter() if one.tag.rsplit("}", 1)[-1] == name]


# ---- the template's properties onto the bucket


def put_properties(bucket, properties):
    status = (properties.get("VersioningConfiguration") or {}).get("Status")
    if status:
        s3._bucket_versioning[bucket] = status
    rules = (properties.get("LifecycleConfiguration") or {}).get("Rules")
    if rules:
        s3._bucket_lifecycle[bucket] = [lifecycle_in(rule) for rule in rules]
    else:
        s3._bucket_lifecycle.pop(bucket, None)
    sets = (properties.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration")
    if sets:
        default = sets[0].get("ServerSideEncryptionByDefault") or {}
        algorithm = [("SSEAlgorithm", default.get("SSEAlgorithm", "AES256"))] + [("KMSMasterKeyID", default[key]) for key in ("KMSMasterKeyID",) if key in default]
        rule = [("ApplyServerSideEncryptionByDefault", algorithm), ("BucketKeyEnabled", flag(sets[0].get("BucketKeyEnabled", False)))]
        s3._put_bucket_encryption(bucket, document("ServerSideEncryptionConfiguration", ("Rule", rule)))
    else:
        s3._bucket_encryption.pop(bucket, None)
    owner = (properties.get("OwnershipControls") or {}).get("Rules")
    if owner:
        s3._put_bucket_ownership_controls(bucket, document("OwnershipControls", ("Rule", [("ObjectOwnership", owner[0]["ObjectOwnership"])])))


def lifecycle_in(rule):
    kept = {"ID": rule.get("Id", ""), "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    expiration = {}
    if "ExpirationInDays" in rule:
        expiration["Days"] = int(rule["ExpirationInDays"])
    if "ExpiredObjectDeleteMarker" in rule:
        expiration["ExpiredObjectDeleteMarker"] = flag(rule["ExpiredObjectDeleteMarker"])
    if expiration:
        kept["Expiration"] = expiration
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            kept[name] = {key: int(value) for key, value in rule[name].items()}
    return kept


def applied(original):
    def work(*args):
        physical, attributes = original(*args)
        properties = args[-2]
        tags = properties.get("Tags")
        if tags:
            s3._bucket_tags[physical] = {tag["Key"]: tag["Value"] for tag in tags}
        else:
            s3._bucket_tags.pop(physical, None)
        put_properties(physical, properties)
        return physical, attributes

    return work


def only_when_empty(original):
    def work(physical, properties):
        if physical in s3._buckets and s3._delete_bucket(physical)[0] == 409:
            raise ValueError("The bucket you tried to delete is not empty. You must delete all versions in the bucket. (Service: S3, Status Code: 409)")
        return original(physical, properties)

    return work


BUCKET["create"], BUCKET["update"] = applied(BUCKET["create"]), applied(BUCKET["update"])
BUCKET["delete"] = only_when_empty(BUCKET["delete"])


# ---- the bucket as CloudFormation's drift detection sees it

UNREADABLE = "scones-local:unreadable"  # a bucket with this tag cannot be looked at
READ = frozenset({"BucketName", "VersioningConfiguration", "LifecycleConfiguration", "BucketEncryption", "OwnershipControls", "PublicAccessBlockConfiguration", "Tags"})


def properties_of(bucket, expected):
    """in the template's shape, or None if it is gone"""
    if bucket not in s3._buckets:
        return None
    found = {"BucketName": bucket, "Tags": s3._bucket_tags.get(bucket, {})}
    if UNREADABLE in found["Tags"]:
        raise PermissionError("Access Denied (Service: S3, Status Code: 403)")
    if s3._bucket_versioning.get(bucket):
        found["VersioningConfiguration"] = {"Status": s3._bucket_versioning[bucket]}
    rules = s3._bucket_lifecycle.get(bucket)
    if rules:
        found["LifecycleConfiguration"] = {"Rules": [lifecycle_out(rule) for rule in rules]}
    found["BucketEncryption"] = {"ServerSideEncryptionConfiguration": [encryption_of(bucket, expected)]}
    owners = texts(s3._get_bucket_ownership_controls(bucket)[2], "ObjectOwnership")
    if owners:
        found["OwnershipControls"] = {"Rules": [{"ObjectOwnership": owners[0]}]}
    block = s3._buckets[bucket].get("_public_access_block")
    if block:
        found["PublicAccessBlockConfiguration"] = {name: flag(texts(block, name)[0]) for name in BLOCKS if texts(block, name)}
    return found


def lifecycle_out(rule):
    """As on AWS, ExpiredObjectDeleteMarker is never seen (cloudformation-coverage-roadmap #965)."""
    found = {"Id": rule.get("ID", ""), "Status": rule["Status"]}
    if rule.get("Filter", {}).get("Prefix"):
        found["Prefix"] = rule["Filter"]["Prefix"]
    if "Days" in rule.get("Expiration", {}):
        found["ExpirationInDays"] = rule["Expiration"]["Days"]
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            found[name] = rule[name]
    return found


def encryption_of(bucket, expected):
    body = s3._get_bucket_encryption(bucket)[2]
    found = {"ServerSideEncryptionByDefault": {name: texts(body, name)[0] for name in ("SSEAlgorithm", "KMSMasterKeyID") if texts(body, name)}}
    wanted = (expected.get("BucketEncryption") or {}).get("ServerSideEncryptionConfiguration") or [{}]
    if "BucketKeyEnabled" in wanted[0]:
        found["BucketKeyEnabled"] = flag((texts(body, "BucketKeyEnabled") or ["false"])[0])
    return found

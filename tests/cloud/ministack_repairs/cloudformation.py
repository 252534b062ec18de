"""CloudFormation: what replaces a resource, whose a resource is, and topics with the policy that SNS gives them."""

import json

from ministack.core.responses import get_account_id
from ministack.services import sns
from ministack.services.cloudformation import _stacks, handlers, provisioners

from ministack_repairs import around

# Gap: a type that the table lacks is "Replacement: Conditional" whatever changes. From AWS's resource schemas, for what our templates hold:
for kind, properties in {
    "AWS::S3::Bucket": {"BucketName", "BucketNamePrefix", "BucketNamespace", "ObjectLockEnabled"},
    "AWS::S3::BucketPolicy": {"Bucket"},
    "AWS::SNS::TopicPolicy": set(),
    "AWS::SNS::Subscription": {"Endpoint", "Protocol", "TopicArn"},
    "AWS::Events::Rule": {"Name", "EventBusName"},
    "AWS::Scheduler::Schedule": {"Name"},
    "AWS::Scheduler::ScheduleGroup": {"Name"},
    "AWS::Logs::LogGroup": {"LogGroupName"},
    "AWS::ECR::Repository": {"RepositoryName", "EncryptionConfiguration"},
}.items():
    provisioners._REPLACING_PROPERTIES.setdefault(kind, frozenset(properties))


@around(handlers, "_describe_stack_resources")
def describe_stack_resources(original, params):
    """Gap: a resource cannot be looked up by its physical id."""
    physical = handlers._p(params, "PhysicalResourceId")
    if not physical or handlers._p(params, "StackName"):
        return original(params)
    for stack in _stacks.values():
        for logical, record in stack.get("_resources", {}).items():
            if record.get("PhysicalResourceId") == physical and stack.get("StackStatus") != "DELETE_COMPLETE":
                return original({**params, "StackName": [stack["StackName"]], "LogicalResourceId": [logical]})
    return handlers._error("ValidationError", "Stack for %s does not exist" % physical)


# ---- Gap: a topic of a template gets a default policy that is not SNS's

TOPIC = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"]
ACTIONS = ("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish")


def default_policy(topic):
    statement = {
        "Sid": "__default_statement_ID", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["SNS:" + action for action in ACTIONS],
        "Resource": topic, "Condition": {"StringEquals": {"AWS:SourceOwner": get_account_id()}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]})


def with_default_policy(original):
    def work(*args):
        topic, attributes = original(*args)
        sns._topics[topic]["attributes"]["Policy"] = default_policy(topic)
        return topic, attributes

    return work


TOPIC["create"] = with_default_policy(TOPIC["create"])

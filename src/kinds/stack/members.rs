//! What becomes of each member that CloudFormation answers of a stack.

use crate::kind::answer::{Answer, Member, compared, folded, ignored, why};

const OPERATION: &str = "it belongs to one operation; the next one is told its own";
const ALONE: &str = "CloudFormation takes a change of it only along with one of resources";

pub const ANSWERS: &[Answer] = &[
    Answer { operation: "cloudformation:DescribeStacks", members: STACK },
    Answer {
        operation: "cloudformation:GetTemplate",
        members: &[
            folded(
                "TemplateBody",
                "template",
                "description, metadata, bounds of parameters",
                "CloudFormation takes a change of these only along with one of resources",
            ),
            ignored("StagesAvailable", "the template as it was sent is asked for"),
        ],
    },
];

const STACK: &[Member] = &[
    compared("Stacks.StackId", "arn"),
    compared("Stacks.StackName", "name"),
    ignored("Stacks.ChangeSetId", why::MOVES),
    ignored("Stacks.Description", "the template says it"),
    compared("Stacks.Parameters.ParameterKey", "parameters"),
    folded("Stacks.Parameters.ParameterValue", "parameters", "****", "CloudFormation does not show NoEcho parameters"),
    ignored("Stacks.Parameters.UsePreviousValue", "only requests have it"),
    ignored("Stacks.Parameters.ResolvedValue", "the value of Parameter Store's, which others may move"),
    ignored("Stacks.CreationTime", why::MADE),
    ignored("Stacks.DeletionTime", why::MOVES),
    ignored("Stacks.LastUpdatedTime", why::MOVES),
    ignored("Stacks.RollbackConfiguration", ALONE),
    compared("Stacks.StackStatus", "status"),
    ignored("Stacks.StackStatusReason", "the reason of a failure comes from the stack's events"),
    ignored("Stacks.DisableRollback", OPERATION),
    ignored("Stacks.DeploymentConfig", OPERATION),
    ignored("Stacks.NotificationARNs", ALONE),
    ignored("Stacks.TimeoutInMinutes", OPERATION),
    folded("Stacks.Capabilities", "capabilities", "those declared", "they allow one operation, and bind nobody after it"),
    compared("Stacks.Outputs.OutputKey", "attributes"),
    compared("Stacks.Outputs.OutputValue", "attributes"),
    ignored("Stacks.Outputs.Description", "the template says it"),
    ignored("Stacks.Outputs.ExportName", "the template says it"),
    ignored("Stacks.RoleARN", "no call takes it away again: a stack keeps the role of its last operation"),
    compared("Stacks.Tags", "tags"),
    folded("Stacks.EnableTerminationProtection", "termination_protection", "false", why::DEFAULT),
    ignored("Stacks.ParentId", "stacks inside others are never declared"),
    ignored("Stacks.RootId", "stacks inside others are never declared"),
    ignored("Stacks.DriftInformation", why::MOVES),
    ignored("Stacks.RetainExceptOnCreate", OPERATION),
    ignored("Stacks.DeletionMode", OPERATION),
    ignored("Stacks.DetailedStatus", why::MOVES),
    ignored("Stacks.LastOperations", why::MOVES),
    ignored("Stacks.AliasName", why::UNKNOWN),
    ignored("NextToken", why::PAGE),
];

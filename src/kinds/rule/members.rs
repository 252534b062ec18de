//! What becomes of each member that EventBridge answers of a rule and its targets.

use crate::kind::answer::{Answer, Member, compared, folded, ignored, why};

const BUS: &str = "rules of the default bus are asked for";

/// A rule, listed or described.
macro_rules! rule {
    ($prefix:literal) => {
        &[
            compared(concat!($prefix, "Name"), "name"),
            compared(concat!($prefix, "Arn"), "arn"),
            folded(concat!($prefix, "EventPattern"), "rule.pattern", "\"\"", why::NONE),
            folded(concat!($prefix, "State"), "rule.state", "ENABLED", why::DEFAULT),
            folded(concat!($prefix, "Description"), "rule.description", "\"\"", why::NONE),
            folded(concat!($prefix, "ScheduleExpression"), "rule.schedule", "rate(60 minutes)", "it is the same as rate(1 hour)"),
            folded(concat!($prefix, "RoleArn"), "rule.role", "\"\"", why::NONE),
            folded(concat!($prefix, "ManagedBy"), "rule.managed_by", "\"\"", why::NONE),
            ignored(concat!($prefix, "EventBusName"), BUS),
        ]
    };
}

pub const LISTED: Answer = Answer { operation: "events:ListRules", members: rule!("Rules.") };
pub const PAGE: Answer = Answer { operation: "events:ListRules", members: &[ignored("NextToken", why::PAGE)] };
pub const DESCRIBED: Answer = Answer { operation: "events:DescribeRule", members: rule!("") };
pub const MAKER: Answer = Answer { operation: "events:DescribeRule", members: &[ignored("CreatedBy", why::MADE)] };
pub const TARGETS: Answer = Answer { operation: "events:ListTargetsByRule", members: TARGET };

const TARGET: &[Member] = &[
    compared("Targets.Id", "targets"),
    compared("Targets.Arn", "targets.*.arn"),
    compared("Targets.RoleArn", "targets.*.role"),
    compared("Targets.Input", "targets.*.input"),
    compared("Targets.InputPath", "targets.*.other"),
    compared("Targets.InputTransformer", "targets.*.other"),
    compared("Targets.KinesisParameters", "targets.*.other"),
    compared("Targets.RunCommandParameters", "targets.*.other"),
    compared("Targets.EcsParameters", "targets.*.other"),
    compared("Targets.BatchParameters", "targets.*.other"),
    compared("Targets.SqsParameters", "targets.*.other"),
    compared("Targets.HttpParameters", "targets.*.other"),
    compared("Targets.RedshiftDataParameters", "targets.*.other"),
    compared("Targets.SageMakerPipelineParameters", "targets.*.other"),
    compared("Targets.DeadLetterConfig", "targets.*.dead_letter"),
    folded("Targets.RetryPolicy.MaximumRetryAttempts", "targets.*.other", "185", why::DEFAULT),
    folded("Targets.RetryPolicy.MaximumEventAgeInSeconds", "targets.*.other", "86400", why::DEFAULT),
    compared("Targets.AppSyncParameters", "targets.*.other"),
    ignored("NextToken", why::PAGE),
];

//! Metrics of SNS, of EventBridge, and of its scheduler.

use super::table::{Group, Namespace, Scale, Statistics};

const NONE: &[&[&str]] = &[&[]];
const COUNT: &[&str] = &["Count"];
const MILLISECONDS: &[&str] = &["Milliseconds"];

const MINUTE: f64 = 60_000.0;
const DAY: f64 = 24.0 * 60.0 * MINUTE;

pub(super) const NAMESPACES: &[Namespace] = &[
    Namespace::closed("AWS/SNS", "SNS developer guide, \"Monitoring Amazon SNS topics using CloudWatch\"", SNS),
    Namespace::closed("AWS/Scheduler", "EventBridge Scheduler user guide, \"Monitoring with Amazon CloudWatch\"", SCHEDULER),
    Namespace::closed("AWS/Events", "EventBridge user guide, \"Monitoring Amazon EventBridge\"", EVENTS),
];

const TOPIC: &[&[&str]] = &[
    &["TopicName"],
    &["Application"],
    &["Application", "Platform"],
    &["Platform"],
    &["PhoneNumber"],
    &["Country"],
    &["SMSType"],
    &["Country", "SMSType"],
    &[],
];

const SNS: &[Group] = &[
    Group::new(
        &[
            "NumberOfMessagesPublished",
            "NumberOfNotificationsDelivered",
            "NumberOfNotificationsFailed",
            "NumberOfNotificationsFilteredOut",
            "NumberOfNotificationsFilteredOut-InvalidAttributes",
            "NumberOfNotificationsFilteredOut-InvalidMessageBody",
            "NumberOfNotificationsFilteredOut-MessageAttributes",
            "NumberOfNotificationsFilteredOut-MessageBody",
            "NumberOfNotificationsFilteredOut-NoMessageAttributes",
            "NumberOfNotificationsRedrivenToDlq",
            "NumberOfNotificationsFailedToRedriveToDlq",
        ],
        TOPIC,
        Statistics::TALLY,
        COUNT,
        Scale::Free,
    ),
    Group::new(&["PublishSize"], TOPIC, Statistics::ANY, &["Bytes"], Scale::Free),
    Group::new(&["SMSMonthToDateSpentUSD"], TOPIC, Statistics::LEVEL, &[], Scale::Free),
    Group::new(&["SMSSuccessRate"], TOPIC, Statistics::ANY, COUNT, Scale::Free),
];

const SCHEDULER: &[Group] = &[Group::new(
    &[
        "InvocationAttemptCount",
        "TargetErrorCount",
        "TargetErrorThrottledCount",
        "InvocationThrottleCount",
        "InvocationDroppedCount",
        "InvocationsSentToDeadLetterCount",
        "InvocationsFailedToBeSentToDeadLetterCount",
        "InvocationsFailedToBeSentToDeadLetterCount_*",
        "InvocationsSentToDeadLetterCount_Truncated_MessageSizeExceeded",
    ],
    &[&["ScheduleGroup"], &[]],
    Statistics::COUNTER,
    COUNT,
    Scale::Free,
)];

const RULE: &[&[&str]] = &[&["RuleName"], &["EventBusName", "RuleName"]];
const BUS: &[&[&str]] = &[&["RuleName"], &["EventBusName", "RuleName"], &["EventBusName"], &[]];

const EVENTS: &[Group] = &[
    Group::new(
        &["DeadLetterInvocations", "FailedInvocations", "InvocationsFailedToBeSentToDlq", "InvocationsSentToDlq"],
        RULE,
        Statistics::COUNTER,
        COUNT,
        Scale::Free,
    ),
    Group::new(
        &[
            "Invocations",
            "InvocationAttempts",
            "RetryInvocationAttempts",
            "SuccessfulInvocationAttempts",
            "ThrottledRules",
            "TriggeredRules",
        ],
        BUS,
        Statistics::COUNTER,
        COUNT,
        Scale::Free,
    ),
    Group::new(
        &["MatchedEvents"],
        &[&["RuleName"], &["EventBusName", "RuleName"], &["EventBusName"], &["EventSourceName"], &[]],
        Statistics::COUNTER,
        COUNT,
        Scale::Free,
    ),
    Group::new(&["Events"], &[&["EventSourceName"]], Statistics::COUNTER, COUNT, Scale::Free),
    // AWS's page writes the `to` of two of these small, and once wrote it large.
    Group::new(
        &[
            "IngestiontoInvocationCompleteLatency",
            "IngestionToInvocationCompleteLatency",
            "IngestionToInvocationSuccessLatency",
            "IngestiontoInvocationStartLatency",
            "IngestionToInvocationStartLatency",
        ],
        BUS,
        Statistics::ANY,
        MILLISECONDS,
        Scale::Milliseconds(DAY),
    ),
    Group::new(
        &["EventBusEncryptionStarted", "EventBusEncryptionCompleted", "EventBusEncryptionFailed"],
        &[&["EventBusName"]],
        Statistics::COUNTER,
        COUNT,
        Scale::Free,
    ),
    Group::new(
        &[
            "InvocationsCreated",
            "PutEventsApproximateCallCount",
            "PutEventsApproximateFailedCount",
            "PutEventsApproximateSuccessCount",
            "PutEventsApproximateThrottledCount",
            "PutEventsEntriesCount",
            "PutEventsFailedEntriesCount",
            "PutPartnerEventsApproximateCallCount",
            "PutPartnerEventsApproximateFailedCount",
            "PutPartnerEventsApproximateThrottledCount",
            "PutPartnerEventsApproximateSuccessCount",
            "PutPartnerEventsEntriesCount",
            "PutPartnerEventsFailedEntriesCount",
        ],
        NONE,
        Statistics::ANY,
        COUNT,
        Scale::Free,
    ),
    Group::new(
        &["PutEventsLatency", "PutPartnerEventsLatency"],
        NONE,
        Statistics::ANY,
        MILLISECONDS,
        Scale::Milliseconds(5.0 * MINUTE),
    ),
    Group::new(&["PutEventsRequestSize"], NONE, Statistics::ANY, &["Bytes"], Scale::Free),
];

//! Metrics of Lambda and Step Functions.

use super::table::{Group, Namespace, Scale, Statistics};

/// The pages name no dimension.
const UNDOCUMENTED: &[&[&str]] = &[];
const NONE: &[&[&str]] = &[&[]];
const COUNT: &[&str] = &["Count"];
const MILLISECONDS: &[&str] = &["Milliseconds"];

const MINUTE: f64 = 60_000.0;
const DAY: f64 = 24.0 * 60.0 * MINUTE;

pub(super) const NAMESPACES: &[Namespace] = &[
    Namespace::closed("AWS/Lambda", "Lambda developer guide, \"Types of metrics for Lambda functions\"", LAMBDA),
    Namespace::closed(
        "AWS/States",
        "Step Functions developer guide, \"Monitoring Step Functions metrics using CloudWatch\"",
        STATES,
    ),
];

/// Lambda's are aggregated over all functions, and kept by function, by alias or version, and by version of an alias.
const FUNCTION: &[&[&str]] =
    &[&["FunctionName"], &["FunctionName", "Resource"], &["FunctionName", "Resource", "ExecutedVersion"], &[]];
const MAPPING: &[&[&str]] = &[&["EventSourceMappingUUID"], &["FunctionName", "EventSourceMappingUUID"]];

const LAMBDA: &[Group] = &[
    // Lambda sends 1 or 0 per invocation: counting the data points counts invocations.
    Group::new(&["Errors"], FUNCTION, Statistics::INDICATOR, COUNT, Scale::Indicator),
    Group::new(
        &[
            "Invocations",
            "Throttles",
            "DeadLetterErrors",
            "DestinationDeliveryFailures",
            "OversizedRecordCount",
            "ProvisionedConcurrencyInvocations",
            "ProvisionedConcurrencySpilloverInvocations",
            "RecursiveInvocationsDropped",
            "AsyncEventsReceived",
            "AsyncEventsDropped",
            "SignatureValidationErrors",
        ],
        FUNCTION,
        Statistics::COUNTER,
        COUNT,
        Scale::Free,
    ),
    // A function runs for 15 minutes at most.
    Group::new(
        &["Duration", "PostRuntimeExtensionsDuration"],
        FUNCTION,
        Statistics::ANY,
        MILLISECONDS,
        Scale::Milliseconds(15.0 * MINUTE),
    ),
    // Streams keep records for a year at most, and Lambda keeps an event for six hours.
    Group::new(&["IteratorAge"], UNDOCUMENTED, Statistics::ANY, MILLISECONDS, Scale::Milliseconds(366.0 * DAY)),
    Group::new(&["AsyncEventAge"], FUNCTION, Statistics::ANY, MILLISECONDS, Scale::Milliseconds(DAY)),
    Group::new(&["ConcurrentExecutions", "ProvisionedConcurrentExecutions"], FUNCTION, Statistics::LEVEL, COUNT, Scale::Free),
    Group::new(&["ProvisionedConcurrencyUtilization"], FUNCTION, Statistics::LEVEL, &[], Scale::Share),
    Group::new(&["UnreservedConcurrentExecutions", "ClaimedAccountConcurrency"], NONE, Statistics::LEVEL, COUNT, Scale::Free),
    Group::new(
        &["CPUThrottles", "MemoryThrottles", "DiskThrottles", "ConcurrencyThrottles", "OffsetLag", "ProvisionedPollers"],
        UNDOCUMENTED,
        Statistics::ANY,
        &[],
        Scale::Free,
    ),
    Group::new(
        &[
            "PolledEventCount",
            "FilteredOutEventCount",
            "InvokedEventCount",
            "FailedInvokeEventCount",
            "DroppedEventCount",
            "OnFailureDestinationDeliveredEventCount",
            "DeletedEventCount",
            "CommittedEventCount",
            "PollingErrorCount",
            "InvokeErrorCount",
            "OnFailureDestinationDeliveryErrorCount",
            "SchemaRegistryErrorCount",
            "CommitErrorCount",
            "MaxOffsetLag",
            "SumOffsetLag",
        ],
        MAPPING,
        Statistics::ANY,
        &[],
        Scale::Free,
    )
    .but("an event source mapping publishes it only once its metrics are enabled"),
];

const MACHINE: &[&[&str]] = &[&["StateMachineArn"], &["StateMachineArn", "Version"], &["StateMachineArn", "Alias"], &[]];
const ACTIVITY: &[&[&str]] = &[&["ActivityArn"], &[]];
const CALLED_FUNCTION: &[&[&str]] = &[&["LambdaFunctionArn"], &[]];
const INTEGRATION: &[&[&str]] = &[&["ServiceIntegrationResourceArn"], &[]];
const DIRECT_CALLS: &str =
    "only tasks whose resource is the function's own ARN count here; those that use lambda:invoke count as ServiceIntegrations…";

const STATES: &[Group] = &[
    Group::new(
        &[
            "ExecutionsAborted",
            "ExecutionsFailed",
            "ExecutionsStarted",
            "ExecutionsSucceeded",
            "ExecutionsTimedOut",
            "ExecutionThrottled",
            "ExecutionsRedriven",
            "RedrivenExecutionsAborted",
            "RedrivenExecutionsTimedOut",
            "RedrivenExecutionsSucceeded",
            "RedrivenExecutionsFailed",
        ],
        MACHINE,
        Statistics::COUNTER,
        COUNT,
        Scale::Free,
    ),
    // An execution may take a year, and may be redriven.
    Group::new(&["ExecutionTime"], MACHINE, Statistics::ANY, MILLISECONDS, Scale::Milliseconds(400.0 * DAY)),
    Group::new(
        &["ExpressExecutionBilledDuration", "ExpressExecutionBilledMemory", "ExpressExecutionMemory"],
        MACHINE,
        Statistics::ANY,
        &[],
        Scale::Free,
    )
    .but("only express workflows publish it"),
    Group::new(
        &[
            "ActivitiesFailed",
            "ActivitiesHeartbeatTimedOut",
            "ActivitiesScheduled",
            "ActivitiesStarted",
            "ActivitiesSucceeded",
            "ActivitiesTimedOut",
        ],
        ACTIVITY,
        Statistics::COUNTER,
        COUNT,
        Scale::Free,
    ),
    Group::new(
        &["ActivityRunTime", "ActivityScheduleTime", "ActivityTime"],
        ACTIVITY,
        Statistics::ANY,
        MILLISECONDS,
        Scale::Milliseconds(400.0 * DAY),
    ),
    Group::new(
        &[
            "LambdaFunctionsFailed",
            "LambdaFunctionsHeartbeatTimedOut",
            "LambdaFunctionsScheduled",
            "LambdaFunctionsStarted",
            "LambdaFunctionsSucceeded",
            "LambdaFunctionsTimedOut",
        ],
        CALLED_FUNCTION,
        Statistics::COUNTER,
        COUNT,
        Scale::Free,
    )
    .but(DIRECT_CALLS),
    Group::new(
        &["LambdaFunctionRunTime", "LambdaFunctionScheduleTime", "LambdaFunctionTime"],
        CALLED_FUNCTION,
        Statistics::ANY,
        MILLISECONDS,
        Scale::Milliseconds(400.0 * DAY),
    )
    .but(DIRECT_CALLS),
    Group::new(
        &[
            "ServiceIntegrationsFailed",
            "ServiceIntegrationsScheduled",
            "ServiceIntegrationsStarted",
            "ServiceIntegrationsSucceeded",
            "ServiceIntegrationsTimedOut",
        ],
        INTEGRATION,
        Statistics::COUNTER,
        COUNT,
        Scale::Free,
    ),
    Group::new(
        &["ServiceIntegrationRunTime", "ServiceIntegrationScheduleTime", "ServiceIntegrationTime"],
        INTEGRATION,
        Statistics::ANY,
        MILLISECONDS,
        Scale::Milliseconds(400.0 * DAY),
    ),
    Group::new(
        &["ThrottledEvents", "ProvisionedBucketSize", "ProvisionedRefillRate", "ConsumedCapacity"],
        &[
            &["APIName"],
            &["ServiceMetric"],
            &["StateTransition"],
            &["ServiceMetric", "StateMachineArn"],
            &["StateMachineArn"],
            &[],
        ],
        Statistics::ANY,
        &[],
        Scale::Free,
    ),
    Group::new(
        &[
            "OpenExecutionCount",
            "OpenExecutionLimit",
            "ApproximateOpenMapRunCount",
            "OpenMapRunLimit",
            "ApproximateMapRunBacklogSize",
        ],
        NONE,
        Statistics::LEVEL,
        &[],
        Scale::Free,
    ),
    Group::new(&["AliasCount", "VersionCount"], &[&["ResourceArn"]], Statistics::LEVEL, &[], Scale::Free),
];

//! SageMaker's metrics.
//!
//! Sources: SageMaker developer guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", "Amazon SageMaker AI enhanced
//! metrics for inference endpoints", "Metrics for multi-container endpoints with direct invocation", and the pages on
//! monitoring serverless and asynchronous endpoints.

use super::table::{Group, Namespace, Scale, Statistics};

const PAGE: &str = "SageMaker developer guide, \"Amazon SageMaker AI metrics in Amazon CloudWatch\"";

const VARIANT: &[&[&str]] = &[&["EndpointName", "VariantName"], &["InferenceComponentName"]];
const INSTANCE: &[&[&str]] = &[&["EndpointName", "VariantName"]];
const ENDPOINT: &[&[&str]] = &[&["EndpointName"], &["EndpointName", "VariantName"]];
const COMPONENT: &[&[&str]] = &[&["InferenceComponentName"]];
const JOB: &[&[&str]] = &[&["Host"]];
/// The pages on monitoring name no dimension for what is new there.
const UNDOCUMENTED: &[&[&str]] = &[];

/// An endpoint answers within a minute, and a stream or an asynchronous request within the hour.
const HOUR: f64 = 3_600_000_000.0;

pub(super) const NAMESPACES: &[Namespace] = &[
    Namespace {
        name: "AWS/SageMaker",
        source: PAGE,
        groups: INVOCATIONS,
        further: &["EndpointConfigName", "ContainerName", "InferenceComponentName", "InstanceId", "ContainerId", "AcceleratorId"],
        open: false,
        caveat: None,
    },
    Namespace {
        name: "/aws/sagemaker/Endpoints",
        source: PAGE,
        groups: INSTANCES,
        further: &["EndpointConfigName", "ContainerName", "InstanceId", "AcceleratorId"],
        open: false,
        caveat: None,
    },
    Namespace {
        name: "/aws/sagemaker/InferenceComponents",
        source: PAGE,
        groups: COMPONENTS,
        further: &["InstanceId", "ContainerId", "AcceleratorId"],
        open: false,
        caveat: None,
    },
    // What an algorithm logs becomes a metric here, under names of its own such as `validation:accuracy`.
    Namespace { name: "/aws/sagemaker/TrainingJobs", source: PAGE, groups: JOBS, further: &[], open: true, caveat: PER_JOB },
    Namespace { name: "/aws/sagemaker/ProcessingJobs", source: PAGE, groups: JOBS, further: &[], open: false, caveat: PER_JOB },
    Namespace { name: "/aws/sagemaker/TransformJobs", source: PAGE, groups: JOBS, further: &[], open: false, caveat: PER_JOB },
];

const PER_JOB: Option<&str> = Some("each job is a dimension of its own, so an alarm has data during one job only");

const INVOCATIONS: &[Group] = &[
    Group::new(
        &["Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors"],
        VARIANT,
        Statistics::INDICATOR,
        &["None"],
        Scale::Indicator,
    ),
    Group::new(
        &["Invocations", "InvocationsPerInstance", "InvocationsPerCopy"],
        VARIANT,
        Statistics::TOTAL,
        &["None"],
        Scale::Free,
    ),
    Group::new(
        &["ModelLatency", "OverheadLatency", "ModelSetupTime", "ContainerLatency"],
        VARIANT,
        Statistics::ANY,
        &["Microseconds"],
        Scale::Microseconds(HOUR),
    ),
    Group::new(
        &["ModelLoadingWaitTime", "ModelUnloadingTime", "ModelDownloadingTime", "ModelLoadingTime"],
        INSTANCE,
        Statistics::ANY,
        &["Microseconds"],
        Scale::Microseconds(HOUR),
    )
    .but("only multi-model endpoints publish it"),
    Group::new(&["ModelCacheHit"], INSTANCE, Statistics::ANY, &["None"], Scale::Indicator)
        .but("only multi-model endpoints publish it"),
    Group::new(&["ConcurrentRequestsPerModel", "ConcurrentRequestsPerCopy"], VARIANT, Statistics::LEVEL, &[], Scale::Free),
    Group::new(
        &["ServerlessConcurrentExecutionsUtilization", "ServerlessProvisionedConcurrencyUtilization"],
        INSTANCE,
        Statistics::LEVEL,
        &[],
        Scale::Share,
    )
    .but("only serverless endpoints publish it"),
    Group::new(
        &[
            "ServerlessProvisionedConcurrencyExecutions",
            "ServerlessProvisionedConcurrencyInvocations",
            "ServerlessProvisionedConcurrencySpilloverInvocations",
        ],
        INSTANCE,
        Statistics::ANY,
        &[],
        Scale::Free,
    )
    .but("only serverless endpoints publish it"),
    Group::new(
        &[
            "ApproximateBacklogSize",
            "ApproximateBacklogSizePerInstance",
            "ApproximateAgeOfOldestRequest",
            "HasBacklogWithoutCapacity",
        ],
        ENDPOINT,
        Statistics::ANY,
        &[],
        Scale::Free,
    )
    .but("only asynchronous endpoints publish it"),
    Group::new(
        &[
            "RequestDownloadFailures",
            "ResponseUploadFailures",
            "NotificationFailures",
            "RequestDownloadLatency",
            "ResponseUploadLatency",
            "ExpiredRequests",
            "InvocationFailures",
            "InvocationsProcessed",
            "InvocationsProcesssed",
            "TimeInBacklog",
            "TotalProcessingTime",
        ],
        ENDPOINT,
        Statistics::ANY,
        &[],
        Scale::Free,
    )
    .but("only asynchronous endpoints publish it"),
    Group::new(
        &[
            "InvocationsFailed",
            "TimeToFirstByte",
            "FirstChunkLatency",
            "FirstChunkModelLatency",
            "FirstChunkOverheadLatency",
            "FirstChunkInvocations",
            "InterChunkLatency",
            "MidStreamErrors",
        ],
        UNDOCUMENTED,
        Statistics::ANY,
        &[],
        Scale::Free,
    )
    .but("AWS's page of metrics does not list it; `aws cloudwatch list-metrics` tells whether it has data"),
];

const INSTANCES: &[Group] = &[
    Group::new(
        &["CPUUtilization", "GPUUtilization", "GPUMemoryUtilization"],
        INSTANCE,
        Statistics::LEVEL,
        &["Percent"],
        Scale::PercentEach,
    ),
    Group::new(&["MemoryUtilization", "DiskUtilization"], INSTANCE, Statistics::LEVEL, &["Percent"], Scale::Percent),
    Group::new(
        &[
            "CPUReservation",
            "CPUUtilizationNormalized",
            "GPUMemoryUtilizationNormalized",
            "GPUReservation",
            "GPUUtilizationNormalized",
            "MemoryReservation",
        ],
        INSTANCE,
        Statistics::LEVEL,
        &[],
        Scale::Percent,
    )
    .but("only endpoints that host inference components publish it"),
    Group::new(&["LoadedModelCount"], INSTANCE, Statistics::ANY, &["None"], Scale::Free)
        .but("only multi-model endpoints publish it"),
];

const COMPONENTS: &[Group] = &[Group::new(
    &[
        "CPUUtilizationNormalized",
        "GPUMemoryUtilizationNormalized",
        "GPUUtilizationNormalized",
        "MemoryUtilizationNormalized",
        "GPUUtilization",
        "GPUMemoryUtilization",
    ],
    COMPONENT,
    Statistics::LEVEL,
    &[],
    Scale::PercentEach,
)];

const JOBS: &[Group] = &[
    Group::new(
        &["CPUUtilization", "GPUUtilization", "GPUMemoryUtilization"],
        JOB,
        Statistics::LEVEL,
        &["Percent"],
        Scale::PercentEach,
    ),
    Group::new(&["MemoryUtilization", "DiskUtilization"], JOB, Statistics::LEVEL, &["Percent"], Scale::Percent),
];

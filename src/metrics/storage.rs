//! Metrics of S3.

use super::table::{Group, Namespace, Scale, Statistics};

const COUNT: &[&str] = &["Count"];

const DAY: f64 = 24.0 * 60.0 * 60.0 * 1_000.0;

pub(super) const NAMESPACES: &[Namespace] = &[Namespace::closed("AWS/S3", "S3 user guide, \"Metrics and dimensions\"", S3)];

const STORAGE: &[&[&str]] = &[&["BucketName", "StorageType"]];
const FILTER: &[&[&str]] = &[&["BucketName", "FilterId"]];
const REPLICATION: &[&[&str]] = &[&["SourceBucket", "DestinationBucket", "RuleId"]];
const CONFIGURED: &str = "S3 publishes it only for buckets that have a metrics configuration with this filter";

const S3: &[Group] = &[
    Group::new(&["BucketSizeBytes"], STORAGE, Statistics::LEVEL, &["Bytes"], Scale::Free)
        .but("S3 publishes it once a day, so a period must be a day"),
    Group::new(&["NumberOfObjects"], STORAGE, Statistics::LEVEL, COUNT, Scale::Free)
        .but("S3 publishes it once a day, so a period must be a day"),
    Group::new(
        &[
            "AllRequests",
            "GetRequests",
            "PutRequests",
            "DeleteRequests",
            "HeadRequests",
            "PostRequests",
            "SelectRequests",
            "ListRequests",
        ],
        FILTER,
        Statistics::TOTAL,
        COUNT,
        Scale::Free,
    )
    .but(CONFIGURED),
    Group::new(
        &["SelectBytesScanned", "SelectBytesReturned", "BytesDownloaded", "BytesUploaded"],
        FILTER,
        Statistics::ANY,
        &["Bytes"],
        Scale::Free,
    )
    .but(CONFIGURED),
    Group::new(&["4xxErrors", "5xxErrors"], FILTER, Statistics::ANY, COUNT, Scale::Indicator).but(CONFIGURED),
    // A request takes hours at most: the largest object at a slow pace.
    Group::new(
        &["FirstByteLatency", "TotalRequestLatency"],
        FILTER,
        Statistics::ANY,
        &["Milliseconds"],
        Scale::Milliseconds(DAY),
    )
    .but(CONFIGURED),
    Group::new(&["ReplicationLatency"], REPLICATION, Statistics::LEVEL, &["Seconds"], Scale::Free),
    Group::new(&["BytesPendingReplication"], REPLICATION, Statistics::LEVEL, &["Bytes"], Scale::Free),
    Group::new(
        &["OperationsPendingReplication", "OperationsFailedReplication"],
        REPLICATION,
        Statistics::ANY,
        COUNT,
        Scale::Free,
    ),
];

//! Metrics of monitoring: those of the function `drift-monitor`, of SageMaker Model Monitor, and of checks for drift.

use super::table::{Group, Namespace, Scale, Statistics};

/// What names of Model Monitor's metrics begin with; a column of the data follows.
pub(super) const PREFIXES: [&str; 3] = ["feature_baseline_drift_", "feature_non_null_", "feature_data_"];

/// Names that public alarms use and no container publishes: drift is published per column, and for nothing else.
pub(super) const INVENTED: [&str; 7] = [
    "feature_baseline_drift",
    "feature_baseline_drift_distance",
    "feature_baseline_drift_total",
    "feature_baseline_drift_total_minus_7_days",
    "feature_baseline_drift_check",
    "feature_non_null",
    "feature_data",
];

const OURS: &[&[&str]] = &[&["Endpoint", "Monitor"]];

const DRIFT_MONITOR: &[Group] = &[
    Group::new(&["Records", "UnreadableRecords"], OURS, Statistics::TALLY, &["Count"], Scale::Free),
    Group::new(
        &["PredictionPSI", "ClassSharePSI", "BrightnessPSI", "SharpnessPSI", "BytesPSI"],
        OURS,
        Statistics::LEVEL,
        &["None"],
        Scale::Psi,
    ),
    Group::new(&["LowConfidenceRate", "*Share"], OURS, Statistics::LEVEL, &["None"], Scale::Share),
];

const ENVIRONMENT: &[&[&str]] = &[&["App", "Environment"]];

/// What `scones drift --publish` and the block `drift_check` publish.
const DRIFT_CHECK: &[Group] = &[
    Group::new(
        &["DriftedResources"],
        &[&["App", "Environment"], &["App", "Environment", "Kind"]],
        Statistics::TALLY,
        &["Count"],
        Scale::Free,
    ),
    Group::new(&["Unknown"], ENVIRONMENT, Statistics::TALLY, &["Count"], Scale::Free),
    Group::new(&["OldestDriftAge"], ENVIRONMENT, Statistics::LEVEL, &["Seconds"], Scale::Free),
];

/// The pages of AWS contradict each other on namespace and dimensions, so all that they and public code use passes.
const MONITOR: &[&[&str]] =
    &[&["EndpointName", "ScheduleName"], &["Endpoint", "MonitoringSchedule"], &["Endpoint"], &["MonitoringSchedule"]];

const DATA: &[Group] = &[
    Group::new(&["feature_data_*"], MONITOR, Statistics::ANY, &[], Scale::Free),
    Group::new(&["feature_non_null_*", "feature_baseline_drift_*"], MONITOR, Statistics::ANY, &[], Scale::Free),
];

/// Model quality, bias and explainability name their metrics after what they measure.
const QUALITY: &[Group] = &[];

const DATA_PAGE: &str = "SageMaker developer guide, \"CloudWatch Metrics\" of Model Monitor: \
                         feature_data_, feature_non_null_ and feature_baseline_drift_ with a column's name";

const DISPUTED: Option<&str> = Some(
    "AWS's pages name this namespace and its dimensions in several ways: once the monitor has run, compare with \
     `aws cloudwatch list-metrics`, or the alarm may wait for ever",
);

const fn monitor(name: &'static str, groups: &'static [Group], open: bool) -> Namespace {
    Namespace { name, source: DATA_PAGE, groups, further: &[], open, caveat: DISPUTED }
}

pub(super) const NAMESPACES: &[Namespace] = &[
    Namespace {
        name: "Scones/Model",
        source: "docs/monitors.md",
        groups: DRIFT_MONITOR,
        further: &[],
        open: false,
        caveat: Some("it has data only where a monitor runs, and with too few records only `Records`"),
    },
    Namespace {
        name: "Scones/Drift",
        source: "docs/drift.md",
        groups: DRIFT_CHECK,
        further: &[],
        open: false,
        caveat: Some("it has data only where `drift_check` runs, or `scones drift --publish`"),
    },
    monitor("/aws/sagemaker/Endpoints/data-metric", DATA, false),
    monitor("/aws/sagemaker/Endpoints/data-metrics", DATA, false),
    monitor("aws/sagemaker/Endpoints/data-metric", DATA, false),
    monitor("aws/sagemaker/Endpoints/data-metrics", DATA, false),
    monitor("/aws/sagemaker/Endpoint/data-metrics", DATA, false),
    monitor("/aws/sagemaker/ModelMonitoring/data-metric", DATA, false),
    monitor("/aws/sagemaker/ModelMonitoring/data-metrics", DATA, false),
    monitor("aws/sagemaker/ModelMonitoring/data-metrics", DATA, false),
    monitor("aws/sagemaker/Endpoints/model-metrics", QUALITY, true),
    monitor("/aws/sagemaker/Endpoints/model-metrics", QUALITY, true),
    monitor("aws/sagemaker/Endpoints/bias-metrics", QUALITY, true),
    monitor("aws/sagemaker/Endpoints/explainability-metrics", QUALITY, true),
];

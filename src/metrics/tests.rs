use super::*;

/// Checks an alarm that is written `namespace metric statistic threshold dimensions`.
fn faults(alarm: &str) -> Vec<Fault> {
    let words: Vec<&str> = alarm.split_whitespace().collect();
    let [namespace, metric, statistic, threshold, dimensions @ ..] = words.as_slice() else { panic!("{alarm}") };
    check(namespace, metric, dimensions, statistic, None, threshold.parse().expect("the threshold is a number"))
}

#[test]
fn takes_what_aws_publishes() {
    for alarm in [
        "AWS/SageMaker Invocation5XXErrors Sum 0 EndpointName VariantName",
        "AWS/SageMaker Invocation5XXErrors Average 0.05 VariantName EndpointName",
        "AWS/SageMaker ModelLatency p99 500000 EndpointName VariantName",
        "AWS/SageMaker ModelLatency p99 500000 EndpointName VariantName EndpointConfigName",
        "AWS/SageMaker OverheadLatency tm99 50000 EndpointName VariantName InstanceId",
        "AWS/SageMaker Invocations Sum 1 EndpointName VariantName",
        "AWS/SageMaker Invocations Sum 1 InferenceComponentName",
        "AWS/SageMaker ModelLatency SampleCount 3 EndpointName VariantName",
        "/aws/sagemaker/Endpoints DiskUtilization Maximum 70 EndpointName VariantName",
        "/aws/sagemaker/Endpoints CPUUtilization Average 350 EndpointName VariantName",
        "/aws/sagemaker/TrainingJobs validation:accuracy Minimum 0.9 TrainingJobName",
        "/aws/sagemaker/TrainingJobs GPUUtilization Average 5 Host",
        "/aws/sagemaker/TrainingJobs CPUUtilizing Average 5 Host",
        "AWS/Lambda Errors Sum 5 FunctionName",
        "AWS/Lambda Errors Sum 5 FunctionName Resource",
        "AWS/Lambda Errors Sum 5",
        "AWS/Lambda Duration p99 4000 FunctionName",
        "AWS/States ExecutionsFailed Sum 0 StateMachineArn",
        "AWS/States ExecutionsFailed Sum 0 StateMachineArn Alias",
        "AWS/States ServiceIntegrationsFailed Sum 0 ServiceIntegrationResourceArn",
        "AWS/States ActivitiesTimedOut Sum 0 ActivityArn",
        "AWS/SNS NumberOfNotificationsFailed Sum 0 TopicName",
        "AWS/Scheduler InvocationDroppedCount Sum 0 ScheduleGroup",
        "AWS/Scheduler InvocationsFailedToBeSentToDeadLetterCount_AWS.SimpleQueueService.NonExistentQueue Sum 0 ScheduleGroup",
        "AWS/Events FailedInvocations Sum 0 RuleName",
        "AWS/S3 5xxErrors Average 0.01 BucketName FilterId",
        "AWS/S3 BucketSizeBytes Average 1000000000 BucketName StorageType",
        "Scones/Model PredictionPSI Maximum 0.25 Endpoint Monitor",
        "Scones/Model BicycleShare Average 0.2 Endpoint Monitor",
        "Scones/Model Records Sum 20 Endpoint Monitor",
        "/aws/sagemaker/Endpoints/data-metric feature_baseline_drift_p_bicycle Sum 0.1 EndpointName ScheduleName",
        "aws/sagemaker/Endpoints/data-metrics feature_data_max_conf Average 0.8 Endpoint MonitoringSchedule",
        "aws/sagemaker/Endpoints/model-metrics accuracy Average 0.9 Endpoint MonitoringSchedule",
        "Bakery/Ovens Temperature p50 -3 Oven",
        "AWS/EC2 Anything SampleCount 1",
    ] {
        assert_eq!(faults(alarm), Vec::<Fault>::new(), "{alarm}");
    }
}

/// Each line: the alarm, the key at fault, and a word of what is said about it.
#[test]
fn refuses_what_could_never_ring() {
    for (alarm, field, word) in [
        ("AWS/Sagemaker Invocations Sum 1 EndpointName VariantName", "metric", "`AWS/SageMaker`"),
        ("aws/lambda Errors Sum 1 FunctionName", "metric", "`AWS/Lambda`"),
        ("AWS/SageMaker Invocation5xxErrors Sum 1 EndpointName VariantName", "metric", "`Invocation5XXErrors`"),
        ("AWS/SageMaker Latency p99 500000 EndpointName VariantName", "metric", "has no metric Latency"),
        ("AWS/SageMaker CPUUtilization Average 80 EndpointName VariantName", "metric", "has no metric CPUUtilization"),
        ("AWS/SageMaker Temperature Average 80 EndpointName VariantName", "metric", "developer guide"),
        ("/aws/sagemaker/Endpoints ModelLatency p99 500000 EndpointName VariantName", "metric", "has no metric"),
        ("/aws/sagemaker/TrainingJobs CPUUtilisation Average 1 Host", "metric", "`CPUUtilization`"),
        ("AWS/Lambda Error Sum 1 FunctionName", "metric", "`Errors`"),
        ("AWS/States ExecutionFailed Sum 1 StateMachineArn", "metric", "`ExecutionsFailed`"),
        ("Scones/Model PredictionPsi Maximum 0.25 Endpoint Monitor", "metric", "`PredictionPSI`"),
        ("Scones/Model Share Maximum 0.25 Endpoint Monitor", "metric", "has no metric Share"),
        (
            "aws/sagemaker/Endpoints/data-metrics feature_baseline_drift_total_minus_7_days Sum 1 Endpoint",
            "metric",
            "has no metric feature_baseline_drift_total_minus_7_days",
        ),
        ("aws/sagemaker/Endpoints/data-metrics feature_baseline_drift_distance Sum 1 Endpoint", "metric", "has no metric"),
        ("aws/sagemaker/Endpoints/data-metrics feature_baseline_drift Sum 1 Endpoint", "metric", "has no metric"),
        ("/aws/sagemaker/Endpoints/data-metric drift Sum 1 EndpointName ScheduleName", "metric", "feature_data_"),
        ("AWS/SageMaker ModelLatency p99 500000 EndpointName", "dimensions", "VariantName"),
        ("AWS/SageMaker ModelLatency p99 500000", "dimensions", "no dimension"),
        ("AWS/SageMaker ModelLatency p99 500000 Endpoint Variant", "dimensions", "did you mean"),
        ("AWS/Lambda Errors Sum 1 FunctionNames", "dimensions", "`FunctionName`"),
        ("AWS/Lambda Errors Sum 1 Resource", "dimensions", "no data with the dimension Resource alone"),
        ("AWS/Lambda ClaimedAccountConcurrency Maximum 1 FunctionName", "dimensions", "no dimension"),
        ("AWS/States ExecutionsFailed Sum 1 StateMachineName", "dimensions", "`StateMachineArn`"),
        ("Scones/Model PredictionPSI Maximum 0.25 Endpoint", "dimensions", "Monitor"),
        ("Scones/Model PredictionPSI Maximum 0.25 EndpointName Monitor", "dimensions", "`Endpoint`"),
        ("AWS/S3 4xxErrors Sum 1 BucketName", "dimensions", "FilterId"),
        ("AWS/Scheduler TargetErrorCount Sum 1 ScheduleName", "dimensions", "ScheduleGroup alone"),
        ("AWS/SageMaker Invocations Average 1 EndpointName VariantName", "statistic", "use Sum"),
        ("AWS/SageMaker Invocations SampleCount 1 EndpointName VariantName", "statistic", "use Sum"),
        ("AWS/SageMaker InvocationsPerInstance Maximum 1 EndpointName VariantName", "statistic", "use Sum"),
        ("AWS/SageMaker Invocation5XXErrors SampleCount 1 EndpointName VariantName", "statistic", "Sum, Average or Maximum"),
        ("AWS/SageMaker Invocation5XXErrors p99 1 EndpointName VariantName", "statistic", "Sum"),
        ("/aws/sagemaker/Endpoints DiskUtilization Sum 70 EndpointName VariantName", "statistic", "Average"),
        ("AWS/Lambda Errors SampleCount 1 FunctionName", "statistic", "Sum"),
        ("Scones/Model PredictionPSI Sum 0.25 Endpoint Monitor", "statistic", "Average"),
        ("AWS/SageMaker ModelLatency p99 0.5 EndpointName VariantName", "threshold", "0.5 s is 500000"),
        ("AWS/SageMaker ModelLatency p99 500 EndpointName VariantName", "threshold", "500 ms is 500000"),
        ("AWS/SageMaker OverheadLatency Average 60 EndpointName VariantName", "threshold", "60 s is 60000000"),
        ("AWS/SageMaker ModelLatency p99 5e12 EndpointName VariantName", "threshold", "microseconds"),
        ("AWS/SageMaker Invocation5XXErrors Average 5 EndpointName VariantName", "threshold", "5 % is 0.05"),
        ("/aws/sagemaker/Endpoints DiskUtilization Maximum 700 EndpointName VariantName", "threshold", "0 to 100"),
        ("/aws/sagemaker/Endpoints MemoryUtilization Average 0.75 EndpointName VariantName", "threshold", "75 % is 75"),
        ("AWS/Lambda Duration p99 0.5 FunctionName", "threshold", "0.5 s is 500"),
        ("AWS/Lambda Duration p99 4000000 FunctionName", "threshold", "milliseconds"),
        ("Scones/Model LowConfidenceRate Average 20 Endpoint Monitor", "threshold", "20 % is 0.2"),
        ("Scones/Model BicycleShare Average 50 Endpoint Monitor", "threshold", "20 % is 0.2"),
        ("Scones/Model PredictionPSI Maximum 25 Endpoint Monitor", "threshold", "0.25"),
        ("Scones/Model PredictionPSI Maximum -1 Endpoint Monitor", "threshold", "never below 0"),
        ("AWS/Lambda Errors Sum NaN FunctionName", "threshold", "no threshold"),
    ] {
        let found = faults(alarm);
        let [fault] = found.as_slice() else { panic!("{alarm}: {found:#?}") };
        let said = format!("{} ({})", fault.message, fault.help.as_deref().unwrap_or_default());
        assert!(fault.field == field && said.contains(word), "{alarm}: {fault:#?}");
    }
}

#[test]
fn refuses_units_that_data_never_have() {
    let unit = |metric, unit| {
        let faults = check("AWS/SageMaker", metric, &["EndpointName", "VariantName"], "Sum", Some(unit), 1e6);
        faults.into_iter().map(|fault| (fault.field, fault.help.unwrap_or_default())).collect::<Vec<_>>()
    };
    assert_eq!(unit("ModelLatency", "Microseconds"), []);
    assert_eq!(unit("ModelLatency", "Milliseconds"), [("unit", "leave `unit` out: it is Microseconds".to_owned())]);
    assert_eq!(unit("Invocations", "Count"), [("unit", "leave `unit` out: it is None".to_owned())]);
}

#[test]
fn says_what_may_keep_data_away() {
    let said = |namespace, metric| caveat(namespace, metric).unwrap_or_default();
    assert!(said("aws/sagemaker/Endpoints/data-metrics", "feature_data_x").contains("list-metrics"));
    assert!(said("AWS/States", "LambdaFunctionsFailed").contains("ServiceIntegrations"));
    assert!(said("AWS/S3", "5xxErrors").contains("metrics configuration"));
    assert_eq!(caveat("AWS/Lambda", "Errors"), None);
    assert_eq!(caveat("Elsewhere", "Errors"), None);
}

#[test]
fn knows_the_column_of_a_monitored_metric() {
    assert_eq!(monitored_column("feature_baseline_drift_p_bicycle"), Some("p_bicycle"));
    assert_eq!(monitored_column("feature_data_"), None);
    assert_eq!(monitored_column("Invocations"), None);
}

#[test]
fn names_each_metric_once() {
    for name in table::names() {
        let known = table::namespace(name).expect("it is listed");
        let mut names: Vec<&str> = known.metric_names().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{name}");
    }
}

proptest::proptest! {
    #[test]
    fn takes_any_words(namespace in "(AWS/(Lambda|States|S3)|Scones/Model|.{0,9})", metric in "(Errors|feature_data_|\\PC{0,12})", threshold: f64) {
        let _ = check(&namespace, &metric, &[&metric], &namespace, Some(&metric), threshold);
    }
}

//! Data quality job definitions: immutable, and named by what they hold.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sagemaker::operation::describe_data_quality_job_definition::DescribeDataQualityJobDefinitionOutput;
use aws_sdk_sagemaker::types::{
    DataQualityAppSpecification, DataQualityBaselineConfig, DataQualityJobInput, EndpointInput, MonitoringClusterConfig,
    MonitoringConstraintsResource, MonitoringJobDefinitionSortKey, MonitoringNetworkConfig, MonitoringOutput,
    MonitoringOutputConfig, MonitoringResources, MonitoringS3Output, MonitoringStatisticsResource, MonitoringStoppingCondition,
    ProcessingInstanceType, ProcessingS3DataDistributionType, ProcessingS3InputMode, ProcessingS3UploadMode, SortOrder,
};
use futures::future::try_join_all;
use serde_json::json;

use super::Definition;
use super::content::content;
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError, Optional, tags};
use crate::kind::{Tags, name_by_content};
use crate::kinds::sagemaker::base;

/// How many names are tried for a definition: the first is nearly always free, or holds the same content already.
const NAMES: u32 = 8;
/// Where the container finds what was captured and leaves its reports. Source: the package `sagemaker` on PyPI.
pub const INPUT: &str = "/opt/ml/processing/input/endpoint";
pub const OUTPUT: &str = "/opt/ml/processing/output";
/// How long SageMaker may see a schedule with the definition that it had.
const LEAVES: Duration = Duration::from_secs(60);

/// Makes the definition, or finds it made.
pub async fn ensure(aws: &Aws, monitor: &str, wanted: &Definition, tags: &Tags) -> Result<String, AwsError> {
    const OPERATION: &str = "sagemaker:CreateDataQualityJobDefinition";
    for attempt in 0..NAMES {
        let name = name_of(monitor, wanted, attempt);
        match aws.patiently(|| create(aws, &name, wanted, tags)).await {
            Ok(()) => return Ok(name),
            Err(error) if error.message.contains("already exist") => {
                if describe(aws, &name).await?.is_some_and(|found| content(found, Some(wanted)) == *wanted) {
                    return Ok(name);
                }
            }
            Err(error) => return Err(error),
        }
    }
    let message = "all names for a new job definition are taken by others: delete those that no schedule has";
    Err(AwsError::unexpected(OPERATION, monitor, message))
}

/// What goes into a definition, in a form that does not move when [`Definition`] gets another field.
fn name_of(monitor: &str, wanted: &Definition, attempt: u32) -> String {
    let content = json!([
        wanted.endpoint,
        wanted.image,
        wanted.role,
        [json!(wanted.instance), json!(wanted.instance_count), json!(wanted.volume), json!(wanted.max_runtime)],
        [&wanted.baseline.statistics, &wanted.baseline.constraints],
        wanted.preprocessor,
        wanted.reports,
        wanted.environment,
        wanted.network_isolation,
    ]);
    match attempt {
        0 => name_by_content(monitor, &content),
        attempt => name_by_content(monitor, &json!([content, attempt])),
    }
}

async fn create(aws: &Aws, name: &str, wanted: &Definition, tags: &Tags) -> Result<(), AwsError> {
    let baseline = DataQualityBaselineConfig::builder()
        .set_statistics_resource(
            wanted.baseline.statistics.as_ref().map(|uri| MonitoringStatisticsResource::builder().s3_uri(uri).build()),
        )
        .set_constraints_resource(
            wanted.baseline.constraints.as_ref().map(|uri| MonitoringConstraintsResource::builder().s3_uri(uri).build()),
        )
        .build();
    let environment: HashMap<String, String> = wanted.environment.clone().into_iter().collect();
    let application = DataQualityAppSpecification::builder()
        .set_image_uri(wanted.image.clone())
        .set_record_preprocessor_source_uri(wanted.preprocessor.clone())
        .set_environment(Some(environment).filter(|variables| !variables.is_empty()))
        .build();
    let input = EndpointInput::builder()
        .set_endpoint_name(wanted.endpoint.clone())
        .local_path(INPUT)
        .s3_input_mode(ProcessingS3InputMode::File)
        .s3_data_distribution_type(ProcessingS3DataDistributionType::Fullyreplicated)
        .build();
    let output = MonitoringS3Output::builder()
        .set_s3_uri(wanted.reports.clone())
        .local_path(OUTPUT)
        .s3_upload_mode(ProcessingS3UploadMode::EndOfJob)
        .build();
    let cluster = MonitoringClusterConfig::builder()
        .set_instance_type(wanted.instance.as_deref().map(ProcessingInstanceType::from))
        .set_instance_count(wanted.instance_count)
        .set_volume_size_in_gb(wanted.volume)
        .build();
    let request = aws
        .sagemaker()
        .create_data_quality_job_definition()
        .job_definition_name(name)
        .data_quality_baseline_config(baseline)
        .data_quality_app_specification(application)
        .data_quality_job_input(DataQualityJobInput::builder().endpoint_input(input).build())
        .data_quality_job_output_config(
            MonitoringOutputConfig::builder().monitoring_outputs(MonitoringOutput::builder().s3_output(output).build()).build(),
        )
        .job_resources(MonitoringResources::builder().cluster_config(cluster).build())
        .network_config(MonitoringNetworkConfig::builder().enable_network_isolation(wanted.network_isolation).build())
        .set_role_arn(wanted.role.clone())
        .set_stopping_condition(
            wanted.max_runtime.map(|limit| MonitoringStoppingCondition::builder().max_runtime_in_seconds(limit).build()),
        )
        .set_tags(Some(tags::for_sagemaker(tags)));
    aws.call("sagemaker:CreateDataQualityJobDefinition", name, request.send()).await.map(drop)
}

pub async fn describe(aws: &Aws, name: &str) -> Result<Option<DescribeDataQualityJobDefinitionOutput>, AwsError> {
    let request = aws.sagemaker().describe_data_quality_job_definition().job_definition_name(name);
    aws.call("sagemaker:DescribeDataQualityJobDefinition", name, request.send()).await.optional()
}

/// The names of definitions that contain a text, newest first.
pub async fn list(aws: &Aws, text: &str) -> Result<Vec<String>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws
            .sagemaker()
            .list_data_quality_job_definitions()
            .name_contains(text)
            .sort_by(MonitoringJobDefinitionSortKey::CreationTime)
            .sort_order(SortOrder::Descending)
            .max_results(100)
            .set_next_token(next);
        let answer = aws.call("sagemaker:ListDataQualityJobDefinitions", text, request.send()).await?;
        found.extend(
            answer.job_definition_summaries.unwrap_or_default().into_iter().filter_map(|one| one.monitoring_job_definition_name),
        );
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

/// Deletes a monitor's definitions, but for the one that its schedule has.
pub async fn clear(aws: &Aws, monitor: &str, used: Option<&str>) -> Result<(), AwsError> {
    let found = list(aws, &format!("{monitor}-")).await?;
    let ours = found.iter().filter(|name| base(name) == Some(monitor) && used != Some(name.as_str()));
    try_join_all(ours.map(|name| delete(aws, name))).await.map(drop)
}

/// Deletes a definition that no schedule has; SageMaker may take a moment to see that the schedule left it.
pub async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let mut pace = Pace::new(LEAVES);
    loop {
        let request = aws.sagemaker().delete_data_quality_job_definition().job_definition_name(name);
        match aws.call("sagemaker:DeleteDataQualityJobDefinition", name, request.send()).await.optional() {
            Ok(_) => return Ok(()),
            Err(error)
                if error.code.starts_with("ResourceInUse") && pace.wait("the schedule to leave its old definition").await => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::super::Baseline;
    use super::*;

    pub fn definition() -> Definition {
        let folder = "s3://bucket/monitoring/baseline/0a1b2c3d";
        Definition {
            endpoint: Some("scones-dev-net".into()),
            image: Some("156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer".into()),
            role: Some("arn:aws:iam::123456789012:role/monitor".into()),
            instance: Some("ml.m5.xlarge".into()),
            instance_count: Some(1),
            volume: Some(20),
            max_runtime: Some(3600),
            baseline: Baseline {
                statistics: Some(format!("{folder}/statistics.json")),
                constraints: Some(format!("{folder}/constraints.json")),
                data: Some("s3://bucket/training.csv".into()),
            },
            reports: Some("s3://bucket/monitoring".into()),
            environment: [("publish_cloudwatch_metrics".to_owned(), "Enabled".to_owned())].into(),
            ..Definition::default()
        }
    }

    /// Another name would give every schedule there is a definition that nobody asked for at its next change.
    #[test]
    fn names_definitions_by_what_they_hold() {
        let name = |definition: &Definition, attempt| name_of("features", definition, attempt);
        assert_eq!(name(&definition(), 0), "features-314e494a");
        assert_eq!(name(&definition(), 1), "features-dfbe4e89");
        assert_ne!(name(&Definition { volume: Some(30), ..definition() }, 0), name(&definition(), 0));
        assert_ne!(name(&Definition { max_runtime: Some(60), ..definition() }, 0), name(&definition(), 0));
    }
}

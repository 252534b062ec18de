//! The baseline of tabular data: a processing job that scones runs once for each address of data.

use aws_sdk_sagemaker::types::{
    AppSpecification, NetworkConfig, ProcessingClusterConfig, ProcessingInput, ProcessingInstanceType, ProcessingJobStatus,
    ProcessingOutput, ProcessingOutputConfig, ProcessingResources, ProcessingS3DataDistributionType, ProcessingS3DataType,
    ProcessingS3Input, ProcessingS3InputMode, ProcessingS3Output, ProcessingS3UploadMode, ProcessingStoppingCondition,
};
use serde_json::json;

use super::Definition;
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError, Optional, tags};
use crate::desired::tag;
use crate::kind::{Kind, Tags, name_by_content};
use crate::kinds::monitor::Monitor;

/// How many jobs are looked at: the name of one that failed, or whose results were deleted, cannot be used again.
const TRIES: u32 = 32;
/// Paths in the container. Source: the package `sagemaker` on PyPI, and the page "Create a Baseline".
const INPUT: &str = "/opt/ml/processing/input/baseline_dataset_input";
const OUTPUT: &str = "/opt/ml/processing/output";
const OPERATION: &str = "sagemaker:CreateProcessingJob";

/// Sees to it that the statistics and constraints of the data are there. A job that completed is not run again, unless its
/// results are gone.
pub async fn ensure(aws: &Aws, monitor: &str, wanted: &Definition, tags: &Tags) -> Result<(), AwsError> {
    let (Some(data), Some(folder)) = (&wanted.baseline.data, folder(wanted)) else { return Ok(()) };
    for attempt in 0..TRIES {
        let name = name_by_content(monitor, &json!(["baseline", data, folder, attempt]));
        let before = status(aws, &name).await?;
        match before {
            Some((ProcessingJobStatus::Failed | ProcessingJobStatus::Stopped, _)) => continue,
            Some((ProcessingJobStatus::Completed, _)) if !is_there(aws, folder).await? => continue,
            Some(_) => {}
            None => start(aws, &name, wanted, data, folder, tags).await?,
        }
        return completed(aws, &name).await;
    }
    let message = format!(
        "{TRIES} jobs over {data} failed, or their results are gone: look into the last one's log, and give the corrected data another key"
    );
    Err(AwsError::unexpected(OPERATION, monitor, message))
}

fn folder(wanted: &Definition) -> Option<&str> {
    wanted.baseline.statistics.as_deref()?.strip_suffix("/statistics.json")
}

/// Whether the results of a job lie below its folder.
async fn is_there(aws: &Aws, folder: &str) -> Result<bool, AwsError> {
    let Some((bucket, prefix)) = folder.strip_prefix("s3://").and_then(|path| path.split_once('/')) else { return Ok(true) };
    let key = format!("{prefix}/statistics.json");
    let request = aws.s3().head_object().bucket(bucket).key(&key);
    match aws.call("s3:GetObject", &format!("{bucket}/{key}"), request.send()).await.optional() {
        Ok(found) => Ok(found.is_some()),
        // Who applies need not be able to read what only the monitor's role does.
        Err(error) if error.is_access_denied() => Ok(true),
        Err(error) => Err(error),
    }
}

async fn status(aws: &Aws, job: &str) -> Result<Option<(ProcessingJobStatus, Option<String>)>, AwsError> {
    let request = aws.sagemaker().describe_processing_job().processing_job_name(job);
    let found = aws.call("sagemaker:DescribeProcessingJob", job, request.send()).await.optional()?;
    Ok(found.and_then(|job| Some((job.processing_job_status?, job.failure_reason.or(job.exit_message)))))
}

async fn completed(aws: &Aws, job: &str) -> Result<(), AwsError> {
    let mut pace = Pace::new(Monitor::DEADLINE);
    loop {
        let now = status(aws, job).await?;
        match &now {
            Some((ProcessingJobStatus::Completed, _)) => return Ok(()),
            Some((ProcessingJobStatus::Failed | ProcessingJobStatus::Stopped, why)) => {
                let why = why.clone().unwrap_or_else(|| "SageMaker gives no reason".to_owned());
                return Err(AwsError::unexpected(OPERATION, job, format!("the baseline was not made: {why}")));
            }
            _ => {}
        }
        let word = now.map_or("nothing".to_owned(), |(status, _)| status.to_string());
        if !pace.wait(&format!("the baseline, whose job is {word}")).await {
            return Err(AwsError::unexpected(OPERATION, job, format!("not done in time: the job is still {word}")));
        }
    }
}

async fn start(aws: &Aws, job: &str, wanted: &Definition, data: &str, folder: &str, tags: &Tags) -> Result<(), AwsError> {
    let input = ProcessingS3Input::builder()
        .s3_uri(data)
        .local_path(INPUT)
        .s3_data_type(ProcessingS3DataType::S3Prefix)
        .s3_input_mode(ProcessingS3InputMode::File)
        .s3_data_distribution_type(ProcessingS3DataDistributionType::Fullyreplicated)
        .build();
    let output =
        ProcessingS3Output::builder().s3_uri(folder).local_path(OUTPUT).s3_upload_mode(ProcessingS3UploadMode::EndOfJob).build();
    let output = ProcessingOutput::builder().output_name("monitoring_output").s3_output(output).build();
    let cluster = ProcessingClusterConfig::builder()
        .set_instance_type(wanted.instance.as_deref().map(ProcessingInstanceType::from))
        .set_instance_count(wanted.instance_count)
        .set_volume_size_in_gb(wanted.volume)
        .build();
    // Jobs cannot be told from those of other runs by their owner, and outlive it: only people's own tags.
    let own: Tags =
        tags.iter().filter(|(key, _)| !key.starts_with(tag::PREFIX)).map(|(key, value)| (key.clone(), value.clone())).collect();
    let request = || {
        let request = aws
            .sagemaker()
            .create_processing_job()
            .processing_job_name(job)
            .processing_inputs(ProcessingInput::builder().input_name("baseline_dataset_input").s3_input(input.clone()).build())
            .processing_output_config(ProcessingOutputConfig::builder().outputs(output.clone()).build())
            .app_specification(AppSpecification::builder().set_image_uri(wanted.image.clone()).build())
            .environment("dataset_format", json!({ "csv": { "header": true, "output_columns_position": "START" } }).to_string())
            .environment("dataset_source", INPUT)
            .environment("output_path", OUTPUT)
            .environment("publish_cloudwatch_metrics", "Disabled")
            .processing_resources(ProcessingResources::builder().cluster_config(cluster.clone()).build())
            .network_config(NetworkConfig::builder().enable_network_isolation(wanted.network_isolation).build())
            .set_role_arn(wanted.role.clone())
            .set_stopping_condition(
                wanted.max_runtime.map(|limit| ProcessingStoppingCondition::builder().max_runtime_in_seconds(limit).build()),
            )
            .set_tags(Some(tags::for_sagemaker(&own)).filter(|tags| !tags.is_empty()));
        aws.call(OPERATION, job, request.send())
    };
    match aws.patiently(request).await {
        Ok(_) => Ok(()),
        // An answer that was lost: the job that is there is this one.
        Err(error) if error.message.contains("already exist") => Ok(()),
        Err(error) => Err(error),
    }
}

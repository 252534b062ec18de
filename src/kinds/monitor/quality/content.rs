//! What a job definition holds → state, its defaults folded.

use aws_sdk_sagemaker::operation::describe_data_quality_job_definition::DescribeDataQualityJobDefinitionOutput;
use aws_sdk_sagemaker::types::{
    DataQualityBaselineConfig, EndpointInput, MonitoringS3Output, ProcessingS3DataDistributionType, ProcessingS3InputMode,
    ProcessingS3UploadMode,
};

use super::definition::{INPUT, OUTPUT};
use super::{Baseline, Definition};
use crate::kinds::sagemaker::{Others, Vpc, note};

/// How long a run may take if nothing is said, in seconds.
const DEFAULT_RUNTIME: i32 = 3600;

/// What a definition holds. Where its statistics are those of `wanted`, so is the data that they are made of.
pub fn content(found: DescribeDataQualityJobDefinitionOutput, wanted: Option<&Definition>) -> Definition {
    let mut other = Others::new();
    let application = found.data_quality_app_specification;
    let entry = application.as_ref().and_then(|one| one.container_entrypoint.clone()).filter(|words| !words.is_empty());
    let arguments = application.as_ref().and_then(|one| one.container_arguments.clone()).filter(|words| !words.is_empty());
    note(&mut other, "entrypoint", entry);
    note(&mut other, "arguments", arguments);
    note(&mut other, "postprocessor", application.as_ref().and_then(|one| one.post_analytics_processor_source_uri.clone()));
    let input = found.data_quality_job_input.and_then(|input| {
        note(&mut other, "batch_transform", input.batch_transform_input);
        input.endpoint_input
    });
    if let Some(input) = input.clone() {
        note(&mut other, "input", Some(input).filter(|input| !is_plain(input)));
    }
    let outputs = found.data_quality_job_output_config;
    let places: Vec<MonitoringS3Output> =
        outputs.iter().flat_map(|config| config.monitoring_outputs()).filter_map(|one| one.s3_output.clone()).collect();
    note(&mut other, "outputs", Some(&places).filter(|places| places.len() > 1 || places.iter().any(|place| !is_usual(place))));
    let cluster = found.job_resources.and_then(|resources| resources.cluster_config);
    let network = found.network_config;
    let encrypted = network.as_ref().and_then(|network| network.enable_inter_container_traffic_encryption).filter(|is| *is);
    note(&mut other, "encrypt_between_containers", encrypted);
    let environment = application.as_ref().and_then(|one| one.environment.clone()).unwrap_or_default();
    Definition {
        endpoint: input.and_then(|input| input.endpoint_name),
        image: application.as_ref().and_then(|one| one.image_uri.clone()),
        role: found.role_arn,
        instance: cluster.as_ref().and_then(|one| one.instance_type.as_ref()).map(|instance| instance.as_str().to_owned()),
        instance_count: cluster.as_ref().and_then(|one| one.instance_count),
        volume: cluster.as_ref().and_then(|one| one.volume_size_in_gb),
        volume_kms_key: cluster.and_then(|one| one.volume_kms_key_id),
        max_runtime: Some(found.stopping_condition.and_then(|limit| limit.max_runtime_in_seconds).unwrap_or(DEFAULT_RUNTIME)),
        baseline: baseline(found.data_quality_baseline_config, wanted, &mut other),
        preprocessor: application.and_then(|one| one.record_preprocessor_source_uri),
        reports: places.into_iter().next().and_then(|place| place.s3_uri),
        reports_kms_key: outputs.and_then(|config| config.kms_key_id).filter(|key| !key.is_empty()),
        environment: environment.into_iter().collect(),
        network_isolation: network.as_ref().and_then(|network| network.enable_network_isolation).unwrap_or_default(),
        vpc: network.and_then(|network| network.vpc_config).map(Vpc::of),
        other,
    }
}

fn baseline(found: Option<DataQualityBaselineConfig>, wanted: Option<&Definition>, other: &mut Others) -> Baseline {
    let Some(found) = found else { return Baseline::default() };
    note(other, "baselining_job", found.baselining_job_name);
    let statistics = found.statistics_resource.and_then(|one| one.s3_uri);
    let same = wanted.map(|wanted| &wanted.baseline).filter(|baseline| baseline.statistics == statistics);
    Baseline {
        data: same.and_then(|baseline| baseline.data.clone()),
        constraints: found.constraints_resource.and_then(|one| one.s3_uri),
        statistics,
    }
}

fn is_plain(input: &EndpointInput) -> bool {
    use ProcessingS3DataDistributionType::Fullyreplicated;
    let attributes = [
        &input.features_attribute,
        &input.inference_attribute,
        &input.probability_attribute,
        &input.start_time_offset,
        &input.end_time_offset,
        &input.exclude_features_attribute,
    ];
    attributes.into_iter().all(Option::is_none)
        && input.probability_threshold_attribute.is_none()
        && input.local_path.as_deref() == Some(INPUT)
        && input.s3_input_mode.as_ref().is_none_or(|mode| *mode == ProcessingS3InputMode::File)
        && input.s3_data_distribution_type.as_ref().is_none_or(|way| *way == Fullyreplicated)
}

fn is_usual(place: &MonitoringS3Output) -> bool {
    place.local_path.as_deref() == Some(OUTPUT) && place.s3_upload_mode.as_ref() == Some(&ProcessingS3UploadMode::EndOfJob)
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::types::{
        DataQualityAppSpecification, DataQualityJobInput, MonitoringNetworkConfig, MonitoringOutput, MonitoringOutputConfig,
        MonitoringStatisticsResource,
    };

    use super::super::definition::tests::definition;
    use super::*;

    fn found()
    -> aws_sdk_sagemaker::operation::describe_data_quality_job_definition::builders::DescribeDataQualityJobDefinitionOutputBuilder
    {
        DescribeDataQualityJobDefinitionOutput::builder()
    }

    #[test]
    fn what_sagemaker_adds_is_folded() {
        let network = MonitoringNetworkConfig::builder().enable_inter_container_traffic_encryption(false).build();
        let input =
            EndpointInput::builder().endpoint_name("e").local_path(INPUT).s3_input_mode(ProcessingS3InputMode::File).build();
        let echoed =
            found().network_config(network).data_quality_job_input(DataQualityJobInput::builder().endpoint_input(input).build());
        let state = content(echoed.build(), None);
        assert_eq!((state.max_runtime, state.endpoint.as_deref(), state.network_isolation), (Some(3600), Some("e"), false));
        assert!(state.other.is_empty(), "{:?}", state.other);
    }

    #[test]
    fn what_no_spec_can_say_shows() {
        let input = EndpointInput::builder().endpoint_name("e").local_path(INPUT).start_time_offset("-PT1H").build();
        let output = MonitoringS3Output::builder()
            .s3_uri("s3://b/r")
            .local_path(OUTPUT)
            .s3_upload_mode(ProcessingS3UploadMode::Continuous);
        let output = MonitoringOutput::builder().s3_output(output.build()).build();
        let live = found()
            .data_quality_app_specification(DataQualityAppSpecification::builder().container_entrypoint("sh").build())
            .data_quality_job_input(DataQualityJobInput::builder().endpoint_input(input).build())
            .data_quality_job_output_config(MonitoringOutputConfig::builder().monitoring_outputs(output).kms_key_id("k").build())
            .network_config(MonitoringNetworkConfig::builder().enable_inter_container_traffic_encryption(true).build());
        let state = content(live.build(), None);
        let keys: Vec<&str> = state.other.keys().map(String::as_str).collect();
        assert_eq!(keys, ["encrypt_between_containers", "entrypoint", "input", "outputs"]);
        assert_eq!((state.reports.as_deref(), state.reports_kms_key.as_deref()), (Some("s3://b/r"), Some("k")));
    }

    #[test]
    fn the_data_of_a_baseline_is_known_by_its_statistics() {
        let wanted = definition();
        let live = |statistics: &str| {
            let resource = MonitoringStatisticsResource::builder().s3_uri(statistics).build();
            let baseline = DataQualityBaselineConfig::builder().statistics_resource(resource).build();
            content(found().data_quality_baseline_config(baseline).build(), Some(&wanted)).baseline.data
        };
        assert_eq!(live("s3://bucket/monitoring/baseline/0a1b2c3d/statistics.json"), wanted.baseline.data);
        assert_eq!(live("s3://bucket/other/statistics.json"), None);
    }
}

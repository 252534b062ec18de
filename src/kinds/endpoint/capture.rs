//! What an endpoint keeps of requests and answers.

use aws_sdk_sagemaker::types::{CaptureMode, DataCaptureConfig, DataCaptureConfigSummary};

use super::Capture;
use super::spec::STARTED;

/// What a configuration would have captured.
pub fn configured(config: DataCaptureConfig) -> Capture {
    let modes: Vec<CaptureMode> = config.capture_options().iter().filter_map(|option| option.capture_mode.clone()).collect();
    let keeps = |mode: CaptureMode| modes.contains(&mode) || modes.contains(&CaptureMode::InputAndOutput);
    let header = config.capture_content_type_header.as_ref();
    let sorted = |types: &[String]| {
        let mut types = types.to_vec();
        types.sort();
        types
    };
    Capture {
        enabled: config.enable_capture.unwrap_or(true),
        status: STARTED.to_owned(),
        percent: config.initial_sampling_percentage.unwrap_or_default(),
        input: keeps(CaptureMode::Input),
        output: keeps(CaptureMode::Output),
        json_content_types: header.map(|header| sorted(header.json_content_types())).unwrap_or_default(),
        csv_content_types: header.map(|header| sorted(header.csv_content_types())).unwrap_or_default(),
        to: config.destination_s3_uri.unwrap_or_default(),
        kms_key: config.kms_key_id,
    }
}

/// What an endpoint captures. An update may keep what it captured before, whatever its new configuration says.
///
/// Source: `RetainAllVariantProperties` and `VariantPropertyType` in SageMaker's API reference.
pub fn capturing(before: Option<Capture>, told: &DataCaptureConfigSummary) -> Option<Capture> {
    let enabled = told.enable_capture.unwrap_or(true);
    if before.is_none() && !enabled {
        return None;
    }
    let capture = before.unwrap_or_else(|| configured(DataCaptureConfig::builder().build()));
    Some(Capture {
        enabled,
        status: told.capture_status.as_ref().map_or(capture.status, |status| status.as_str().to_owned()),
        percent: told.current_sampling_percentage.unwrap_or(capture.percent),
        to: told.destination_s3_uri.clone().unwrap_or(capture.to),
        kms_key: told.kms_key_id.clone().filter(|key| !key.is_empty()).or(capture.kms_key),
        ..capture
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::operation::describe_endpoint_config::DescribeEndpointConfigOutput;
    use aws_sdk_sagemaker::types::{CaptureOption, CaptureStatus, EndpointStatus};

    use super::super::read::state;
    use super::super::read::tests::endpoint;
    use super::*;

    fn config() -> DataCaptureConfig {
        let options = CaptureOption::builder().capture_mode(CaptureMode::InputAndOutput).build();
        let config = DataCaptureConfig::builder().initial_sampling_percentage(5).destination_s3_uri("s3://b");
        config.capture_options(options).build()
    }

    fn told() -> aws_sdk_sagemaker::types::builders::DataCaptureConfigSummaryBuilder {
        DataCaptureConfigSummary::builder().enable_capture(true).capture_status(CaptureStatus::Started)
    }

    #[test]
    fn a_capture_that_stopped_shows() {
        let config = DescribeEndpointConfigOutput::builder().data_capture_config(config()).build();
        let stopped = told().capture_status(CaptureStatus::Stopped).build();
        let shown = |status: EndpointStatus| {
            let endpoint = endpoint(status).data_capture_config(stopped.clone()).build();
            state(&endpoint, config.clone()).capture.map(|capture| (capture.status, capture.input, capture.output))
        };
        assert_eq!(shown(EndpointStatus::InService), Some(("Stopped".into(), true, true)));
        assert_eq!(shown(EndpointStatus::Updating), Some(("Started".into(), true, true)));
    }

    #[test]
    fn what_the_endpoint_captures_counts_and_not_its_configuration() {
        let same = told().current_sampling_percentage(5).destination_s3_uri("s3://b").build();
        assert_eq!(capturing(Some(configured(config())), &same), Some(configured(config())));
        let kept = told().current_sampling_percentage(100).destination_s3_uri("s3://theirs").kms_key_id("k").build();
        let shown = capturing(Some(configured(config())), &kept);
        let shown = shown.map(|capture| (capture.percent, capture.to, capture.kms_key, capture.input));
        assert_eq!(shown, Some((100, "s3://theirs".into(), Some("k".into()), true)));
        let off = told().enable_capture(false).build();
        assert_eq!(capturing(Some(configured(config())), &off).map(|capture| capture.enabled), Some(false));
    }

    #[test]
    fn an_endpoint_may_capture_without_its_configuration() {
        assert_eq!(capturing(None, &told().enable_capture(false).build()), None);
        let shown = capturing(None, &told().destination_s3_uri("s3://theirs").build());
        assert_eq!(shown.map(|capture| (capture.enabled, capture.to)), Some((true, "s3://theirs".into())));
    }
}

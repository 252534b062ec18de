//! Endpoint configurations: immutable, and named by what they hold.

use aws_sdk_sagemaker::types::{
    CaptureContentTypeHeader, CaptureMode, CaptureOption, DataCaptureConfig, ProductionVariant, ProductionVariantInstanceType,
    ProductionVariantServerlessConfig,
};
use futures::future::try_join_all;
use serde_json::{Value, json};

use super::read::{content, describe_config};
use super::wait::found_soon;
use super::{Capture, State, Variant};
use crate::aws::{Aws, AwsError, Optional, tags};
use crate::kind::{Target, name_by_content};

/// How many names are tried for a configuration: the first is nearly always free, or holds the same content already.
const NAMES: u32 = 8;

/// Makes the configuration, or finds it made. Its name is never that of `besides`, which the endpoint has already and
/// which therefore would change nothing: a deployment is also what brings a capture back that stopped.
pub async fn ensure(aws: &Aws, to: &Target<State>, besides: Option<&str>) -> Result<String, AwsError> {
    for attempt in 0..NAMES {
        let name = name_of(&to.name, &to.state, attempt);
        if besides == Some(&name) {
            continue;
        }
        match found_soon(|| create(aws, &name, to)).await {
            Ok(()) => return Ok(name),
            Err(error) if error.message.contains("already existing endpoint configuration") => {
                if holds(aws, &name, to).await? {
                    return Ok(name);
                }
            }
            Err(error) => return Err(error),
        }
    }
    let message = "all names for a new configuration are taken by others: delete those that no endpoint has";
    Err(AwsError::unexpected("sagemaker:CreateEndpointConfig", &to.name, message))
}

/// Whether a configuration holds what the endpoint is to have.
pub async fn holds(aws: &Aws, name: &str, to: &Target<State>) -> Result<bool, AwsError> {
    let wanted = State { scaling: Default::default(), rollout: None, ..to.state.clone() };
    Ok(describe_config(aws, name).await?.is_some_and(|config| content(config) == wanted))
}

/// What goes into a configuration, in a form that does not move when [`State`] gets another field.
fn name_of(endpoint: &str, state: &State, attempt: u32) -> String {
    let variants = state.variants.iter().map(|(name, variant)| {
        let serverless = variant.serverless.as_ref().map(|capacity| json!([capacity.memory, capacity.max_concurrency]));
        (name.clone(), json!([variant.model, variant.instance, variant.count, variant.weight, serverless]))
    });
    let capture = state.capture.as_ref().map(|capture| {
        json!([capture.percent, capture.to, capture.input, capture.output, capture.json_content_types, capture.csv_content_types])
    });
    let content = json!([Value::Object(variants.collect()), capture, state.kms_key]);
    match attempt {
        0 => name_by_content(endpoint, &content),
        attempt => name_by_content(endpoint, &json!([content, attempt])),
    }
}

async fn create(aws: &Aws, name: &str, to: &Target<State>) -> Result<(), AwsError> {
    let request = aws
        .sagemaker()
        .create_endpoint_config()
        .endpoint_config_name(name)
        .set_production_variants(Some(to.state.variants.iter().map(|(name, one)| variant(name, one)).collect()))
        .set_data_capture_config(to.state.capture.as_ref().map(capture))
        .set_kms_key_id(to.state.kms_key.clone())
        .set_tags(Some(tags::for_sagemaker(&to.tags)));
    aws.call("sagemaker:CreateEndpointConfig", name, request.send()).await.map(drop)
}

fn variant(name: &str, variant: &Variant) -> ProductionVariant {
    let serverless = variant.serverless.as_ref().map(|serverless| {
        ProductionVariantServerlessConfig::builder()
            .memory_size_in_mb(serverless.memory)
            .max_concurrency(serverless.max_concurrency)
            .build()
    });
    ProductionVariant::builder()
        .variant_name(name)
        .set_model_name(variant.model.clone())
        .set_instance_type(variant.instance.as_deref().map(ProductionVariantInstanceType::from))
        .set_initial_instance_count(variant.count)
        .initial_variant_weight(variant.weight as f32)
        .set_serverless_config(serverless)
        .build()
}

fn capture(capture: &Capture) -> DataCaptureConfig {
    let modes = [(capture.input, CaptureMode::Input), (capture.output, CaptureMode::Output)];
    let modes = modes.into_iter().filter(|(wanted, _)| *wanted);
    let options = modes.map(|(_, mode)| CaptureOption::builder().capture_mode(mode).build()).collect();
    let types = |types: &[String]| (!types.is_empty()).then(|| types.to_vec());
    let (json, csv) = (types(&capture.json_content_types), types(&capture.csv_content_types));
    let header = (json.is_some() || csv.is_some())
        .then(|| CaptureContentTypeHeader::builder().set_json_content_types(json).set_csv_content_types(csv).build());
    DataCaptureConfig::builder()
        .enable_capture(capture.enabled)
        .initial_sampling_percentage(capture.percent)
        .destination_s3_uri(&capture.to)
        .set_capture_options(Some(options))
        .set_capture_content_type_header(header)
        .build()
}

pub async fn delete(aws: &Aws, names: &[String]) -> Result<(), AwsError> {
    let deletions = names.iter().map(|name| async move {
        let request = aws.sagemaker().delete_endpoint_config().endpoint_config_name(name);
        aws.call("sagemaker:DeleteEndpointConfig", name, request.send()).await.optional().map(drop)
    });
    try_join_all(deletions).await.map(drop)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn state() -> State {
        let variant = Variant {
            model: Some("classifier-0a1b2c3d".into()),
            instance: Some("ml.m5.xlarge".into()),
            count: Some(1),
            weight: 1.0,
            ..Variant::default()
        };
        let capture = Capture {
            enabled: true,
            status: super::super::spec::STARTED.into(),
            percent: 100,
            to: "s3://bucket/capture".into(),
            kms_key: None,
            input: true,
            output: true,
            json_content_types: vec!["application/json".into()],
            csv_content_types: vec![],
        };
        let config = aws_sdk_sagemaker::operation::describe_endpoint_config::DescribeEndpointConfigOutput::builder().build();
        State { variants: [("AllTraffic".to_owned(), variant)].into(), capture: Some(capture), ..content(config) }
    }

    /// Another name would give every endpoint there is a configuration that nobody asked for at its next change.
    #[test]
    fn names_configurations_by_what_they_hold() {
        let name = |state: &State, attempt| name_of("classifier", state, attempt);
        assert_eq!(name(&state(), 0), "classifier-8d9f1ac4");
        assert_eq!(name(&state(), 1), "classifier-70646b7d");
        let scaled =
            State { variants: [("AllTraffic".to_owned(), Variant { count: Some(2), ..Variant::default() })].into(), ..state() };
        assert_ne!(name(&scaled, 0), name(&state(), 0));
        let capture = state().capture.map(|capture| Capture { status: "Stopped".into(), ..capture });
        assert_eq!(name(&State { capture, ..state() }, 0), name(&state(), 0));
    }

    #[test]
    fn a_configuration_reads_back_as_it_was_written() {
        let state = state();
        let config = aws_sdk_sagemaker::operation::describe_endpoint_config::DescribeEndpointConfigOutput::builder()
            .set_production_variants(Some(state.variants.iter().map(|(name, one)| variant(name, one)).collect()))
            .set_data_capture_config(state.capture.as_ref().map(capture))
            .build();
        assert_eq!(content(config), state);
    }
}

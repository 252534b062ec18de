//! Sends a test set to a live endpoint, and finds out what model answers.

use std::time::{Duration, Instant};

use aws_sdk_sagemakerruntime::primitives::Blob;
use drift_monitor::baseline::{Baseline, Builder, Source};
use drift_monitor::picture::Picture as Measured;
use futures::StreamExt;
use futures::future::try_join_all;
use serde_json::json;

use super::evaluation::{Answer, TestSet};
use super::picture::Place;
use crate::aws::{Aws, AwsError};
use crate::kind::digest;

/// The largest list of pictures and the largest picture that are read, in bytes.
const LARGEST_LIST: i64 = 64 << 20;
const LARGEST_PICTURE: i64 = 6 << 20;

/// What an endpoint serves.
#[derive(Debug)]
pub struct Served {
    pub endpoint_config: String,
    pub models: Vec<String>,
    /// The digest of what the models hold, artifacts included: other content, other digest.
    pub digest: String,
}

/// A picture of the test set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The index of its class.
    pub truth: usize,
    pub file: String,
}

/// Finds out what an endpoint serves at present.
///
/// # Errors
/// An endpoint that is not in service, and what SageMaker answers.
pub async fn served(aws: &Aws, endpoint: &str) -> Result<Served, AwsError> {
    let request = aws.sagemaker().describe_endpoint().endpoint_name(endpoint);
    let live = aws.call("sagemaker:DescribeEndpoint", endpoint, request.send()).await?;
    let status = live.endpoint_status.as_ref().map_or("unknown", |status| status.as_str());
    let (Some(config), "InService") = (live.endpoint_config_name, status) else {
        let message = format!("the endpoint is {status}: only one that is InService can be measured");
        return Err(AwsError::unexpected("sagemaker:DescribeEndpoint", endpoint, message));
    };
    let request = aws.sagemaker().describe_endpoint_config().endpoint_config_name(&config);
    let shape = aws.call("sagemaker:DescribeEndpointConfig", &config, request.send()).await?;
    let mut models: Vec<String> =
        shape.production_variants.unwrap_or_default().into_iter().filter_map(|variant| variant.model_name).collect();
    models.sort();
    models.dedup();
    let contents = try_join_all(models.iter().map(|model| content(aws, model))).await?;
    Ok(Served { endpoint_config: config, models, digest: format!("sha256:{}", digest(&json!(contents))) })
}

/// What a model holds: its image, its environment, and its artifact by address and ETag, or its package.
async fn content(aws: &Aws, model: &str) -> Result<serde_json::Value, AwsError> {
    let request = aws.sagemaker().describe_model().model_name(model);
    let found = aws.call("sagemaker:DescribeModel", model, request.send()).await?;
    let Some(container) = found.primary_container.or_else(|| found.containers.unwrap_or_default().into_iter().next()) else {
        return Err(AwsError::unexpected("sagemaker:DescribeModel", model, "it has no container"));
    };
    let etag = match container.model_data_url.as_deref().and_then(Place::parse) {
        Some(place) => {
            let request = aws.s3().head_object().bucket(&place.bucket).key(&place.key);
            aws.call("s3:GetObject", &place.to_string(), request.send()).await?.e_tag
        }
        None => None,
    };
    let environment: std::collections::BTreeMap<_, _> = container.environment.unwrap_or_default().into_iter().collect();
    Ok(json!({
        "image": container.image,
        "artifact": container.model_data_url,
        "etag": etag,
        "package": container.model_package_name,
        "environment": environment,
    }))
}

/// Reads the list of the test set, `test.lst`.
///
/// # Errors
/// A list that is missing or malformed, or that names a class which there is not.
pub async fn test_set(aws: &Aws, data: &Place, classes: usize) -> Result<(TestSet, Vec<Entry>), AwsError> {
    let place = data.below("test.lst");
    let bytes = get(aws, &place, LARGEST_LIST).await?;
    let wrong = |message: String| AwsError::unexpected("s3:GetObject", &place.to_string(), message);
    let text = String::from_utf8(bytes).map_err(|_| wrong("the list is not text".to_owned()))?;
    let entries = entries(&text, classes).map_err(wrong)?;
    Ok((TestSet { address: data.to_string(), digest: format!("sha256:{}", digest(&json!(text))) }, entries))
}

/// The lines of a list: number, class index and file, between tabs.
fn entries(text: &str, classes: usize) -> Result<Vec<Entry>, String> {
    let entry = |(number, line): (usize, &str)| {
        let mut fields = line.split('\t').skip(1);
        let truth = fields.next().and_then(|field| field.trim().parse::<usize>().ok()).filter(|truth| *truth < classes);
        match (truth, fields.next(), fields.next()) {
            (Some(truth), Some(file), None) if !file.is_empty() => Ok(Entry { truth, file: file.to_owned() }),
            _ => Err(format!("line {} is not a number, a class below {classes} and a file, between tabs", number + 1)),
        }
    };
    let found = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(entry).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() { Err("the list is empty".to_owned()) } else { Ok(found) }
}

/// Sends every picture to the endpoint, a few at a time, and makes a baseline of what comes back.
///
/// # Errors
/// A picture that cannot be read; what the endpoint itself refuses is part of the result.
pub async fn ask(
    aws: &Aws,
    endpoint: &str,
    data: &Place,
    entries: &[Entry],
    classes: &[String],
    at_once: usize,
    progress: impl Fn(usize),
) -> Result<(Vec<Answer>, Duration, Option<Baseline>), AwsError> {
    let begun = Instant::now();
    let asked = entries.iter().map(|entry| async move {
        let picture = get(aws, &data.below(&format!("test/{}", entry.file)), LARGEST_PICTURE).await?;
        let measured = Measured::measure(&picture);
        let (outcome, latency) = invoke(aws, endpoint, picture).await;
        Ok::<_, AwsError>((Answer { key: entry.file.clone(), truth: entry.truth, outcome, latency }, measured))
    });
    let mut stream = futures::stream::iter(asked).buffered(at_once);
    let mut builder = Builder::new(Source::Evaluation, classes.to_vec()).map_err(|error| AwsError::local(error.to_string()))?;
    let mut answers = Vec::with_capacity(entries.len());
    while let Some(asked) = stream.next().await {
        let (answer, measured) = asked?;
        if let Ok(probabilities) = &answer.outcome {
            // An answer that is no distribution counts as a failure in the evaluation, and not at all here.
            let _ = builder.prediction(probabilities, &measured);
        }
        answers.push(answer);
        progress(answers.len());
    }
    Ok((answers, begun.elapsed(), builder.finish().ok()))
}

async fn invoke(aws: &Aws, endpoint: &str, picture: Vec<u8>) -> (Result<Vec<f64>, String>, Duration) {
    let png = picture.starts_with(b"\x89PNG");
    let request = aws
        .sagemaker_runtime()
        .invoke_endpoint()
        .endpoint_name(endpoint)
        .content_type(if png { "image/png" } else { "image/jpeg" })
        .accept("application/json")
        .body(Blob::new(picture));
    let begun = Instant::now();
    let answer = aws.call("sagemaker:InvokeEndpoint", endpoint, request.send()).await;
    let latency = begun.elapsed();
    let outcome = match answer {
        Err(error) => Err(if error.code.is_empty() { error.message } else { error.code }),
        Ok(answer) => {
            let body = answer.body.unwrap_or_else(|| Blob::new(vec![])).into_inner();
            serde_json::from_slice(&body).map_err(|_| "the answer is not a JSON array of numbers".to_owned())
        }
    };
    (outcome, latency)
}

async fn get(aws: &Aws, place: &Place, largest: i64) -> Result<Vec<u8>, AwsError> {
    let request = aws.s3().get_object().bucket(&place.bucket).key(&place.key);
    let answer = aws.call("s3:GetObject", &place.to_string(), request.send()).await?;
    let wrong = |message: String| AwsError::unexpected("s3:GetObject", &place.to_string(), message);
    if let Some(size) = answer.content_length.filter(|size| *size > largest) {
        return Err(wrong(format!("it has {size} bytes; at most {largest} are read")));
    }
    let bytes = answer.body.collect().await.map_err(|error| wrong(format!("it could not be read to its end: {error}")))?;
    Ok(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_three_columns() {
        let found = entries("0\t1\ta.png\n1\t0\tb c.png\n\n", 2);
        let entry = |truth, file: &str| Entry { truth, file: file.to_owned() };
        assert_eq!(found, Ok(vec![entry(1, "a.png"), entry(0, "b c.png")]));
        for wrong in ["", "0\t2\ta.png", "0\ta.png", "0\t1\t", "0\t1\ta.png\tb", "0\t-1\ta.png", "0 1 a.png"] {
            assert!(entries(wrong, 2).is_err(), "{wrong:?}");
        }
    }
}

//! `scones evaluate`: measures the live endpoint on the staged test set, and keeps the result as evidence.

use std::path::PathBuf;

use aws_sdk_s3::primitives::ByteStream;
use clap::Args;

use super::executions::missing;
use super::{Context, EnvironmentName, Error, Format, bar, exit, print, tell, write_file};
use crate::address::Address;
use crate::aws::{Aws, AwsError};
use crate::workload::evaluation::{self, Evaluation};
use crate::workload::measuring;
use crate::workload::picture::Place;
use crate::workload::promoting::kept_below;

/// What a terminal has at least.
const WIDTH: usize = 80;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// Also write the page with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// How the result is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let asked = context.blocks()?.evaluation.ok_or_else(|| missing("evaluation", &context.name))?;
    let data = place("evaluation.data", &asked.data)?;
    let address = Address::new("endpoints", asked.endpoint.as_str());
    let endpoint = context.desired.resources.get(&address).map(|resource| resource.name.clone()).unwrap_or_default();
    let aws = &context.aws;
    let served = measuring::served(aws, &endpoint)
        .await
        .map_err(|error| with_help(error, &format!("see what it waits for: scones status {}", context.name)))?;
    let staged = measuring::test_set(aws, &data, asked.classes.len()).await;
    let (test_set, entries) =
        staged.map_err(|error| with_help(error, &format!("make it first: scones stage {}", context.name)))?;
    let started_at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let bar = bar(entries.len() as u64);
    let asking = measuring::ask(aws, &endpoint, &data, &entries, &asked.classes, asked.concurrency, |done| {
        bar.set_position(done as u64);
    });
    let (answers, wall, baseline) = asking.await?;
    bar.finish_and_clear();
    let world = &context.desired.world;
    let about = evaluation::Context {
        app: world.app.clone(),
        environment: world.environment.clone(),
        endpoint,
        endpoint_config: served.endpoint_config,
        models: served.models,
        model_digest: served.digest,
        test_set,
        started_at,
        concurrency: asked.concurrency,
    };
    let evaluation = Evaluation::measure(about, asked.classes, asked.threshold, &answers, wall)
        .map_err(|error| Error::other(error.to_string(), ""))?;
    let kept = keep(aws, &evaluation).await?;
    if let (Some(to), Some(baseline)) = (&asked.baseline, baseline) {
        let text = baseline.write().map_err(|error| Error::other(error.to_string(), ""))?;
        put(aws, &place("evaluation.baseline", to)?, "application/json", text).await?;
    }
    if let Some(file) = &arguments.html {
        write_file(file, &evaluation::html(&evaluation))?;
    }
    match arguments.format {
        Format::Text => print(evaluation::text(&evaluation, WIDTH).trim_end())?,
        Format::Json => print(&evaluation::json(&evaluation))?,
    }
    tell(&format!("kept as {kept}"));
    match asked.least_accuracy.filter(|least| evaluation.accuracy.value < *least) {
        Some(least) => Err(Error::other(format!("the accuracy is {:.3}, but {least} is wanted", evaluation.accuracy.value), "")),
        None => Ok(exit::OK),
    }
}

/// Keeps an evaluation in the bootstrap bucket, by the digest of the model that it speaks of.
async fn keep(aws: &Aws, evaluation: &Evaluation) -> Result<Place, Error> {
    let folder = kept_below(aws, evaluation);
    let time: String = evaluation.context.started_at.chars().filter(char::is_ascii_alphanumeric).collect();
    let json = folder.below(&format!("{time}.json"));
    put(aws, &folder.below(&format!("{time}.html")), "text/html; charset=utf-8", evaluation::html(evaluation)).await?;
    put(aws, &json, "application/json", evaluation::json(evaluation)).await?;
    Ok(json)
}

async fn put(aws: &Aws, place: &Place, content_type: &str, text: String) -> Result<(), AwsError> {
    let body = ByteStream::from(text.into_bytes());
    let request = aws.s3().put_object().bucket(&place.bucket).key(&place.key).content_type(content_type).body(body);
    aws.call("s3:PutObject", &place.to_string(), request.send()).await.map(drop)
}

fn place(key: &str, text: &str) -> Result<Place, Error> {
    Place::parse(text).ok_or_else(|| Error::other(format!("{key}: `{text}` is no address"), "write s3://bucket/prefix"))
}

/// What is not there yet is the business of another command.
fn with_help(error: AwsError, help: &str) -> Error {
    match error.is_not_found() {
        true => Error::other(error.to_string(), help),
        false => error.into(),
    }
}

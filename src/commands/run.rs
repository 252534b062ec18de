//! `scones run`: sends pictures through the workflow; and the picture that verifies an apply.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use futures::StreamExt;
use serde_json::{Map, Value, json};

use super::executions::{execution_name, failure, missing, output, unmade, watched};
use super::{Context, EnvironmentName, Error, Format, exit, print, tell};
use crate::environment::blocks::{Running, Verifying};
use crate::report::style::{ADDED, FAINT, HOLE, REMOVED, paint};
use crate::workload::execution::Ending;
use crate::workload::picture::{Picture, Place};
use crate::workload::runner;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// Files, or addresses such as s3://bucket/key
    #[arg(value_name = "PICTURE", required = true)]
    pictures: Vec<String>,
    /// How many run at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    at_once: u8,
    /// How the results are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What came of one picture.
struct Run {
    picture: String,
    seconds: f64,
    result: Result<Option<Value>, String>,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let running = context.blocks()?.run.ok_or_else(|| missing("run", &context.name))?;
    let workflow = Workflow::of(&context, running)?;
    let runs = match arguments.pictures.as_slice() {
        [picture] => vec![workflow.watch(picture).await?],
        pictures => workflow.each(pictures, arguments.at_once.into()).await,
    };
    let failed = runs.iter().filter(|run| run.result.is_err()).count();
    match arguments.format {
        Format::Text => runs.iter().try_for_each(|run| print(&run.text()))?,
        Format::Json => print(&format!("{:#}", runs.iter().map(Run::json).collect::<Value>()))?,
    }
    if runs.len() > 1 {
        tell(&format!("{} pictures, {failed} failed", runs.len()));
    }
    Ok(if failed == 0 { exit::OK } else { exit::ERROR })
}

/// Sends the environment's own picture through the workflow and compares what comes out.
pub async fn verify(context: &Context, verifying: Verifying, running: Running) -> Result<(), Error> {
    let workflow = Workflow::of(context, running)?;
    let run = workflow.quietly(&verifying.picture, 0).await;
    let help = format!("look closer with: scones run {} {}", context.name, verifying.picture);
    let wrong = |message: String| Error::other(format!("verify: {}: {message}", verifying.picture), help.clone());
    let found = run.result.map_err(&wrong)?.unwrap_or(Value::Null);
    for (key, wanted) in &verifying.expect {
        if found.get(key) != Some(wanted) {
            let shown = found.get(key).map_or_else(|| "nothing".to_owned(), Value::to_string);
            return Err(wrong(format!("{key} should be {wanted}, but is {shown}")));
        }
    }
    tell(&format!("{} verified with {} {}", paint(ADDED, "✓"), verifying.picture, paint(FAINT, format!("{:.1} s", run.seconds))));
    Ok(())
}

struct Workflow<'a> {
    context: &'a Context,
    machine: String,
    upload: Place,
    running: Running,
}

impl<'a> Workflow<'a> {
    fn of(context: &'a Context, running: Running) -> Result<Self, Error> {
        let machine = context.workflow(&running.workflow)?;
        let upload = Place::parse(&running.upload)
            .ok_or_else(|| Error::other(format!("run.upload: `{}` is no address", running.upload), "write s3://bucket/prefix"))?;
        Ok(Self { context, machine, upload, running })
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(self.running.timeout.0.into())
    }

    /// Brings a picture to S3 and makes the input of its execution.
    async fn input(&self, picture: &str) -> Result<Value, Error> {
        let directory = if Path::new(picture).exists() { Path::new("") } else { &self.context.directory };
        let picture = Picture::parse(picture, directory).map_err(|message| Error::other(message, ""))?;
        let place = picture.place(&self.context.aws, &self.upload).await?;
        Ok(Value::Object(filled(&self.running.input, &place)))
    }

    async fn watch(&self, picture: &str) -> Result<Run, Error> {
        let begun = Instant::now();
        let input = self.input(picture).await?;
        let (_, ending) = watched(self.context, &self.machine, &execution_name("run", 0), &input, self.limit()).await?;
        Ok(Run::ended(picture, begun, &ending))
    }

    async fn quietly(&self, picture: &str, number: usize) -> Run {
        let begun = Instant::now();
        let ended = async {
            let aws = &self.context.aws;
            let input = self.input(picture).await?;
            let started = runner::start(aws, &self.machine, &execution_name("run", number), &input).await;
            let execution = started.map_err(|error| unmade(self.context, error))?;
            Ok::<Ending, Error>(runner::follow(aws, &execution, self.limit(), |_, _| {}).await?)
        };
        match ended.await {
            Ok(ending) => Run::ended(picture, begun, &ending),
            Err(error) => {
                let seconds = begun.elapsed().as_secs_f64();
                Run { picture: picture.to_owned(), seconds, result: Err(error.message()) }
            }
        }
    }

    /// Runs them a few at a time; the results keep the order of the command line.
    async fn each(&self, pictures: &[String], at_once: usize) -> Vec<Run> {
        let runs = pictures.iter().enumerate().map(|(number, picture)| self.quietly(picture, number));
        futures::stream::iter(runs).buffered(at_once).collect().await
    }
}

impl Run {
    fn ended(picture: &str, begun: Instant, ending: &Ending) -> Self {
        let result = failure(ending).map_or_else(|| Ok(output(ending)), Err);
        Self { picture: picture.to_owned(), seconds: begun.elapsed().as_secs_f64(), result }
    }

    fn text(&self) -> String {
        let time = paint(FAINT, format!("{:.1} s", self.seconds));
        match &self.result {
            Err(why) => format!("{}  {}  {time}", self.picture, paint(REMOVED, why)),
            Ok(output) => format!("{}  {}  {time}", self.picture, verdict(output.as_ref().unwrap_or(&Value::Null))),
        }
    }

    fn json(&self) -> Value {
        let (output, error) = match &self.result {
            Ok(output) => (json!(output), Value::Null),
            Err(why) => (Value::Null, json!(why)),
        };
        json!({ "picture": self.picture, "seconds": self.seconds, "output": output, "error": error })
    }
}

/// An output in few words: the label with its confidence, a result by its name, or else the whole.
fn verdict(output: &Value) -> String {
    let text = |key: &str| output.get(key).and_then(Value::as_str);
    match (text("label"), output.get("confidence").and_then(Value::as_f64), text("result")) {
        (Some(label), Some(confidence), _) => format!("{} {confidence:.3}", paint(ADDED, label)),
        (Some(label), None, _) => paint(ADDED, label),
        (None, _, Some(result)) => paint(HOLE, result.replace('_', " ")),
        _ => output.to_string(),
    }
}

/// The input of an execution with the picture's address in it.
fn filled(input: &Map<String, Value>, place: &Place) -> Map<String, Value> {
    fn fill(value: &Value, place: &Place) -> Value {
        match value {
            Value::String(text) => text.replace("{bucket}", &place.bucket).replace("{key}", &place.key).into(),
            Value::Array(items) => items.iter().map(|item| fill(item, place)).collect(),
            Value::Object(map) => Value::Object(filled(map, place)),
            other => other.clone(),
        }
    }
    input.iter().map(|(key, value)| (key.clone(), fill(value, place))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_hold_the_address() {
        let input = json!({ "a": "{bucket}", "b": ["x/{key}", 1], "c": { "d": "{bucket}/{key}" } });
        let place = Place { bucket: "b".into(), key: "k.png".into() };
        let found = input.as_object().map(|map| Value::Object(filled(map, &place)));
        assert_eq!(found, Some(json!({ "a": "b", "b": ["x/k.png", 1], "c": { "d": "b/k.png" } })));
    }
}

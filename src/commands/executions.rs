//! What the commands that start workflows share: one execution, followed on standard error.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::{Context, Error, tell};
use crate::address::Address;
use crate::environment::Blocks;
use crate::kind::Attribute;
use crate::report::style::{FAINT, paint};
use crate::workload::execution::{Ending, Follower, Line};
use crate::workload::runner;

/// What is assumed of a terminal that does not tell its width.
const WIDTH: usize = 80;

impl Context {
    /// What the environment file says of the workload.
    pub fn blocks(&self) -> Result<Blocks, Error> {
        Blocks::of(&self.desired.blocks).map_err(|(path, message)| Error::other(format!("{}: {message}", path.join(".")), ""))
    }

    /// The ARN that a declared workflow is started by: that of its alias, which is known before it exists.
    pub fn workflow(&self, name: &str) -> Result<String, Error> {
        let address = Address::new("state_machines", name);
        let known = self.registry.get(&address.section).zip(self.desired.resources.get(&address)).and_then(|(kind, resource)| {
            kind.attributes(&self.desired.world, &resource.name, &Value::Null, None).remove("live_arn")
        });
        match known {
            Some(Attribute::Known(arn)) => Ok(arn),
            _ => Err(Error::other(format!("{address} is not declared"), "")),
        }
    }
}

/// A block that a command needs and the environment file lacks.
pub fn missing(block: &str, name: &str) -> Error {
    let help = format!("docs/environment-files.md says what belongs under `{block}:`");
    Error::other(format!("the environment {name} has no block `{block}`"), help)
}

/// A name that tells when an execution was started, and keeps apart what is started at once.
pub fn execution_name(command: &str, number: usize) -> String {
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S%3f").to_string();
    format!("{command}-{now}-{}-{number}", std::process::id())
}

/// Starts an execution and follows it, with a line for each state.
pub async fn watched(
    context: &Context,
    machine: &str,
    name: &str,
    input: &Value,
    limit: Duration,
) -> Result<(Option<Value>, Ending), Error> {
    let execution = runner::start(&context.aws, machine, name, input).await.map_err(|error| unmade(context, error))?;
    tell(&paint(FAINT, &execution));
    let bar = spinner();
    let ending = runner::follow(&context.aws, &execution, limit, |lines: Vec<Line>, follower: &Follower| {
        bar.suspend(|| lines.iter().for_each(|line| tell(&line.text(WIDTH))));
        let now = jiff::Timestamp::now().as_millisecond();
        let running: Vec<String> = follower.running(now).into_iter().map(|line| line.subject).collect();
        bar.set_message(running.join(", "));
    })
    .await;
    bar.finish_and_clear();
    let ending = ending?;
    Ok((output(&ending), ending))
}

/// The JSON that an execution came to.
pub fn output(ending: &Ending) -> Option<Value> {
    match ending {
        Ending::Succeeded(Some(text)) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// Why an execution did not succeed.
pub fn failure(ending: &Ending) -> Option<String> {
    match ending {
        Ending::Succeeded(_) => None,
        Ending::Failed(failure) => Some(format!("the execution failed: {}", failure.reason())),
        Ending::TimedOut(failure) => Some(format!("the execution took too long: {}", failure.reason())),
        Ending::Aborted(failure) => Some(format!("the execution was stopped: {}", failure.reason())),
    }
}

/// An error of a workflow that was never deployed says what to do about it.
pub fn unmade(context: &Context, error: crate::aws::AwsError) -> Error {
    match error.is_not_found() {
        true => Error::other(error.to_string(), format!("deploy it first: scones apply {}", context.name)),
        false => error.into(),
    }
}

fn spinner() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    // A template of our own always parses; without it the default style still shows the message.
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {wide_msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

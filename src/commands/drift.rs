//! `scones drift`: what changed behind our back.

use clap::{Args, ValueEnum};

use super::{Context, EnvironmentName, Error, accept, exit, plan::json, print, tell};
use crate::accept::Wanted;
use crate::aws::AwsError;
use crate::drift_check;
use crate::plan::Plan;
use crate::report;
use crate::who;

/// How drift is written.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    /// A comment for an issue
    Markdown,
    /// Findings at the lines that declare what drifted, for code scanning
    Sarif,
}

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// Ask CloudTrail who changed each resource last
    #[arg(long)]
    who: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Also put what is found into CloudWatch, as metrics in the namespace Scones/Drift
    #[arg(long)]
    publish: bool,
    /// Write what is live into the environment's file: of a resource, or of one path of it
    #[arg(long, value_name = "ADDRESS[:PATH]", num_args = 1.., conflicts_with_all = ["format", "publish", "who"])]
    accept: Vec<Wanted>,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let name = &arguments.environment.environment;
    if !arguments.accept.is_empty() {
        return accept::run(name, &arguments.accept).await;
    }
    let (context, files) = Context::open_with_files(name).await?;
    let mut drift = match drift_check::look(&context.aws, &context.desired, &context.registry).await {
        Err(error) if arguments.publish => return Err(unknown(&context, error).await),
        looked => looked?,
    };
    context.tell_throttles();
    if arguments.who {
        who::ask(&context.aws, &mut drift, &context.registry).await;
    }
    match arguments.format {
        Format::Text => print(&text(&drift, &context))?,
        Format::Json => print(&json(&drift)?)?,
        Format::Markdown => print(&report::markdown::drift(&drift, &context.registry))?,
        Format::Sarif => print(&format!("{:#}", report::sarif::drift(&drift, &context.registry, &files)))?,
    }
    if arguments.publish {
        drift_check::publish(&context.aws, &drift).await?;
    }
    Ok(match () {
        () if !drift.conflicts.is_empty() || !drift.is_complete() => exit::ERROR,
        () if !drift.steps.is_empty() => exit::CHANGES,
        () => exit::OK,
    })
}

/// Publishes that nothing can be said, where that is possible; the error to tell is the first one.
async fn unknown(context: &Context, error: AwsError) -> Error {
    if let Err(unpublished) = drift_check::publish_unknown(&context.aws).await {
        tell(&format!("that the check failed could not be published: {unpublished}"));
    }
    error.into()
}

fn text(drift: &Plan, context: &Context) -> String {
    let shown = report::plan::drift(drift, &context.registry);
    // The plan's own summary counts what apply would do; here it is what drifted that counts.
    let body = shown.trim_end().rsplit_once('\n').map_or(shown.as_str(), |(body, _)| body).trim_end();
    let unknown = drift.summary.unknown;
    let verdict = match drift.steps.len() {
        0 if !drift.conflicts.is_empty() => return shown.trim_end().to_owned(),
        0 if unknown > 0 => format!("Unknown: no drift was seen, but {unknown} could not be read."),
        0 => format!("No drift in {}: what runs is what was applied.", drift.environment),
        count => {
            let resources = if count == 1 { "resource" } else { "resources" };
            let blind = if unknown > 0 { format!(", and {unknown} could not be read") } else { String::new() };
            format!("Drift: {count} {resources} changed outside{blind}. To set right: scones apply {}", context.name)
        }
    };
    let unchecked = report::unchecked::text(drift);
    // Where there is nothing to show, the verdict is all there is to say.
    match drift.steps.is_empty() && drift.has_no_remarks() {
        true => format!("{verdict}\n{unchecked}").trim_end().to_owned(),
        false => format!("{body}\n{unchecked}\n{verdict}"),
    }
}

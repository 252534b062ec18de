//! `scones drift`: what changed behind our back.

use clap::{Args, ValueEnum};

use super::{Context, EnvironmentName, Error, accept, exit, plan::json, print};
use crate::accept::Wanted;
use crate::plan::{Mode, Plan, drift_of};
use crate::report;

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
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write what is live into the environment's file: of a resource, or of one path of it
    #[arg(long, value_name = "ADDRESS[:PATH]", num_args = 1.., conflicts_with = "format")]
    accept: Vec<Wanted>,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let name = &arguments.environment.environment;
    if !arguments.accept.is_empty() {
        return accept::run(name, &arguments.accept).await;
    }
    let (context, files) = Context::open_with_files(name).await?;
    let observed = context.observe().await?;
    let plan = crate::plan::plan(&context.desired, &observed, &context.registry, Mode::Apply);
    let drift = drift_of(plan, &observed);
    match arguments.format {
        Format::Text => print(&text(&drift, &context))?,
        Format::Json => print(&json(&drift)?)?,
        Format::Markdown => print(&report::markdown::drift(&drift, &context.registry))?,
        Format::Sarif => print(&format!("{:#}", report::sarif::drift(&drift, &context.registry, &files)))?,
    }
    Ok(match () {
        () if !drift.conflicts.is_empty() => exit::ERROR,
        () if !drift.steps.is_empty() => exit::CHANGES,
        () => exit::OK,
    })
}

fn text(drift: &Plan, context: &Context) -> String {
    if drift.steps.is_empty() {
        if !drift.conflicts.is_empty() {
            return report::plan::drift(drift, &context.registry).trim_end().to_owned();
        }
        return format!("No drift in {}: what runs is what was applied.", drift.environment);
    }
    let shown = report::plan::drift(drift, &context.registry);
    // The plan's own summary counts what apply would do; here it is what drifted that counts.
    let body = shown.trim_end().rsplit_once('\n').map_or(shown.as_str(), |(body, _)| body);
    let count = drift.steps.len();
    let resources = if count == 1 { "resource" } else { "resources" };
    format!("{}\n\nDrift: {count} {resources} changed outside. To set right: scones apply {}", body.trim_end(), context.name)
}

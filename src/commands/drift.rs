//! `scones drift`: what changed behind our back.

use clap::Args;

use super::{Context, EnvironmentName, Error, Format, exit, plan::json, print};
use crate::plan::{Mode, Plan, drift_of};
use crate::report;
use crate::who;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// Ask CloudTrail who changed each resource last
    #[arg(long)]
    who: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let observed = context.observe().await?;
    let plan = crate::plan::plan(&context.desired, &observed, &context.registry, Mode::Apply);
    let mut drift = drift_of(plan, &observed);
    if arguments.who {
        who::ask(&context.aws, &mut drift, &context.registry).await;
    }
    match arguments.format {
        Format::Json => print(&json(&drift)?)?,
        Format::Text => print(&text(&drift, &context))?,
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

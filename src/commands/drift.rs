//! `scones drift`: what changed behind our back.

use clap::Args;

use super::{Context, EnvironmentName, Error, Format, exit, plan::json, print, tell};
use crate::aws::AwsError;
use crate::drift_check;
use crate::plan::Plan;
use crate::report;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Also put what is found into CloudWatch, as metrics in the namespace Scones/Drift
    #[arg(long)]
    publish: bool,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let drift = match drift_check::look(&context.aws, &context.desired, &context.registry).await {
        Err(error) if arguments.publish => return Err(unknown(&context, error).await),
        looked => looked?,
    };
    match arguments.format {
        Format::Json => print(&json(&drift)?)?,
        Format::Text => print(&text(&drift, &context))?,
    }
    if arguments.publish {
        drift_check::publish(&context.aws, &drift).await?;
    }
    Ok(match () {
        () if !drift.conflicts.is_empty() || is_unknown(&drift) => exit::ERROR,
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

/// Whether something that should have been looked at could not be.
fn is_unknown(drift: &Plan) -> bool {
    drift.unchecked.values().flatten().any(|unchecked| unchecked.failed)
}

fn text(drift: &Plan, context: &Context) -> String {
    [found(drift, context), report::unchecked::text(drift)].concat().trim_end().to_owned()
}

fn found(drift: &Plan, context: &Context) -> String {
    if drift.steps.is_empty() {
        return match () {
            () if !drift.conflicts.is_empty() => report::plan::drift(drift, &context.registry),
            () if is_unknown(drift) => {
                format!("No drift was found in {}, but not all of it could be looked at.\n", drift.environment)
            }
            () => format!("No drift in {}: what runs is what was applied.\n", drift.environment),
        };
    }
    let shown = report::plan::drift(drift, &context.registry);
    // The plan's own summary counts what apply would do; here it is what drifted that counts.
    let body = shown.trim_end().rsplit_once('\n').map_or(shown.as_str(), |(body, _)| body);
    let count = drift.steps.len();
    let resources = if count == 1 { "resource" } else { "resources" };
    format!("{}\n\nDrift: {count} {resources} changed outside. To set right: scones apply {}\n", body.trim_end(), context.name)
}

//! `scones plan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::applying::Planned;
use super::{Context, EnvironmentName, Error, choices, exit, print, write_file};
use crate::plan::Plan;
use crate::report::{self, suppressed::Suppressed};

/// How a plan is written.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
    /// A comment for a pull request
    Markdown,
}

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// Save the plan, to be applied exactly as it is
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    choices: choices::Options,
    /// Exit 0 even if there are changes
    #[arg(long)]
    exit_zero: bool,
    /// Also show what the plan leaves out, and why
    #[arg(long)]
    show_suppressed: bool,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let Planned { plan, observed } = context.planned(arguments.choices.choices()).await?;
    arguments.choices.check(&plan, &observed)?;
    let suppressed =
        arguments.show_suppressed.then(|| report::suppressed::suppressed(&context.desired, &observed, &context.registry));
    match arguments.format {
        Format::Text => print(text(&plan, suppressed.as_ref(), &context).trim_end())?,
        Format::Markdown => print(&report::markdown::plan(&plan, &context.registry))?,
        Format::Json => print(&json(&Shown { plan: &plan, suppressed })?)?,
    }
    arguments.choices.ask_policy(&plan).await?;
    if let Some(file) = &arguments.out {
        write_file(file, &json(&plan)?)?;
    }
    Ok(match () {
        () if !plan.conflicts.is_empty() || !plan.is_complete() => exit::ERROR,
        () if plan.has_changes() && !arguments.exit_zero => exit::CHANGES,
        () => exit::OK,
    })
}

/// A plan as JSON shows it; what is saved has no more than the plan.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    plan: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed: Option<Suppressed>,
}

fn text(plan: &Plan, suppressed: Option<&Suppressed>, context: &Context) -> String {
    let left = suppressed.map(|suppressed| format!("\n{}", report::suppressed::text(suppressed))).unwrap_or_default();
    format!("{}{left}", report::plan::text(plan, &context.registry))
}

pub fn json(plan: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string_pretty(plan).map_err(|error| Error::other(format!("the plan cannot be written as JSON: {error}"), ""))
}

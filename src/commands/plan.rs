//! `scones plan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Context, EnvironmentName, Error, exit, print, write_file};
use crate::plan::{Mode, Plan};
use crate::report;

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
    /// Also delete what is owned but declared no more
    #[arg(long)]
    prune: bool,
    /// Exit 0 even if there are changes
    #[arg(long)]
    exit_zero: bool,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let mode = if arguments.prune { Mode::Prune } else { Mode::Apply };
    let plan = context.plan(mode).await?;
    match arguments.format {
        Format::Text => print(report::plan::text(&plan, &context.registry).trim_end())?,
        Format::Json => print(&json(&plan)?)?,
        Format::Markdown => print(&report::markdown::plan(&plan, &context.registry))?,
    }
    if let Some(file) = &arguments.out {
        write_file(file, &json(&plan)?)?;
    }
    Ok(match () {
        () if !plan.conflicts.is_empty() || !plan.is_complete() => exit::ERROR,
        () if plan.has_changes() && !arguments.exit_zero => exit::CHANGES,
        () => exit::OK,
    })
}

pub fn json(plan: &Plan) -> Result<String, Error> {
    serde_json::to_string_pretty(plan).map_err(|error| Error::other(format!("the plan cannot be written as JSON: {error}"), ""))
}

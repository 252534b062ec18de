//! `scones history`: what was applied, by whom, and how it went.

use clap::Args;

use super::{Context, EnvironmentName, Error, Format, exit, plan::json, print};
use crate::{history, report};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// How many, the newest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..=1000))]
    count: i32,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let records = history::newest(&context.aws, arguments.count).await?;
    match arguments.format {
        Format::Text if records.is_empty() => print("nothing was applied yet")?,
        Format::Text => print(&report::history::text(&records))?,
        Format::Json => print(&json(&records)?)?,
    }
    Ok(exit::OK)
}

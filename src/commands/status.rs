//! `scones status`: how an environment is doing, on one page, with one exit code.

use clap::Args;
use serde_json::json;

use super::{Context, EnvironmentName, Error, Format, exit, print};
use crate::health::{Code, verdict};
use crate::observe::{Looking, health};
use crate::plan::{Mode, plan};
use crate::release::release;
use crate::report;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let observed = context.observe(Looking::Once).await?;
    let health = health(&context.aws, &observed).await?;
    let plan = plan(&context.desired, &observed, &context.registry, Mode::Apply);
    let verdict = verdict(&plan, &health);
    let release = release(&observed);
    match arguments.format {
        Format::Text => print(&report::status::text(&plan, &health, &release, &verdict))?,
        Format::Json => {
            let plan =
                json!({ "summary": plan.summary, "steps": plan.steps.iter().map(|step| &step.address).collect::<Vec<_>>() });
            print(&format!("{:#}", json!({ "verdict": verdict, "release": release, "configuration": plan, "health": health })))?;
        }
    }
    Ok(match verdict.code {
        Code::Well => exit::OK,
        Code::Attention => exit::CHANGES,
        Code::Unknown => exit::ERROR,
    })
}

//! `scones rollback`: plans what an earlier apply asked for, shows it, and applies it.

use clap::Args;

use super::applying::Work;
use super::{Context, EnvironmentName, Error, apply, choices, exit, print};
use crate::history::{self, Record};
use crate::report;

/// How many records are looked through.
const FAR_BACK: i32 = 100;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// The record to go back to, as `scones history` names it; by default the last complete state that was another
    #[arg(long, value_name = "ID")]
    to: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    choices: choices::Options,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let Arguments { environment, to, yes, choices } = arguments;
    let context = Context::open(&environment.environment).await?;
    let records = history::newest(&context.aws, FAR_BACK).await?;
    let record = chosen(&records, to.as_deref(), &context.name)?;
    if record.desired.world != context.desired.world {
        return Err(Error::other(format!("{} is of another account or region", record.short()), ""));
    }
    let back = context.going_back(record.desired.clone());
    let (work, planned) = Work::plan(&back, choices.choices()).await?;
    choices.check(&planned.plan, &planned.observed)?;
    apply::refuse_silence(&planned.plan, yes)?;
    print(&format!("Back to what {} applied:\n", report::history::line(record)))?;
    print(report::plan::text(&planned.plan, &back.registry).trim_end())?;
    apply::refuse_conflicts(&planned.plan)?;
    choices.ask_policy(&planned.plan).await?;
    if !apply::confirmed(&planned.plan, yes, "Go back to this?") {
        return Ok(exit::ERROR);
    }
    let again = format!("scones rollback {} --to {}{}", context.name, record.short(), choices.text());
    let code = work.carry_out(planned, &again, Some(record.id.clone())).await?;
    if code == exit::OK {
        super::tell("The files say something else by now: the next apply of them goes forward again.");
    }
    Ok(code)
}

fn chosen<'a>(records: &'a [Record], to: Option<&str>, environment: &str) -> Result<&'a Record, Error> {
    let help = format!("see what there is: scones history {environment}");
    let found = match to {
        Some(id) => records.iter().find(|record| record.id == id || record.short() == id),
        None => history::before(records),
    };
    found.ok_or_else(|| match to {
        Some(id) => Error::other(format!("there is no record {id} among the last {FAR_BACK}"), help),
        None => Error::other("there is no earlier state to go back to", help),
    })
}

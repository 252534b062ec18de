//! `scones apply` and `scones destroy`: plan, ask, apply.

use std::io::{IsTerminal, Write as _};
use std::path::Path;

use clap::Args;

use super::applying::{Planned, Work};
use super::{Context, EnvironmentName, Error, choices, exit, print, saved, tell};
use crate::plan::{Mode, Plan, moved_since};
use crate::report;

#[derive(Args)]
pub struct Arguments {
    /// An environment, or a plan saved with `plan --out`
    #[arg(value_name = "ENV|PLANFILE")]
    what: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    choices: choices::Options,
}

#[derive(Args)]
pub struct DestroyArguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let Arguments { what, yes, choices } = arguments;
    if saved::is_saved_plan(Path::new(&what)) {
        return run_saved(&what, yes, &choices).await;
    }
    let context = Context::open(&what).await?;
    let (work, planned) = Work::plan(&context, choices.choices()).await?;
    choices.check(&planned.plan, &planned.observed)?;
    refuse_silence(&planned.plan, yes)?;
    print(report::plan::text(&planned.plan, &context.registry).trim_end())?;
    refuse_conflicts(&planned.plan)?;
    choices.ask_policy(&planned.plan).await?;
    if !confirmed(&planned.plan, yes, "Apply this?") {
        return Ok(exit::ERROR);
    }
    work.carry_out(planned, &format!("scones apply {}{}", context.name, choices.text()), None).await
}

pub async fn destroy(arguments: DestroyArguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let (work, planned) = Work::plan(&context, Mode::Destroy.into()).await?;
    refuse_conflicts(&planned.plan)?;
    refuse_silence(&planned.plan, arguments.yes)?;
    print(report::plan::text(&planned.plan, &context.registry).trim_end())?;
    if !confirmed(&planned.plan, arguments.yes, "Delete all this? It cannot be undone.") {
        return Ok(exit::ERROR);
    }
    work.carry_out(planned, &format!("scones destroy {}", context.name), None).await
}

/// Applies a saved plan, if the same plan would be made now.
async fn run_saved(file: &str, yes: bool, choices: &choices::Options) -> Result<u8, Error> {
    if choices.choices() != Mode::Apply.into() {
        let help = "--prune, --target and --retry belong to `scones plan`, which saved it";
        return Err(Error::other(format!("{file} is applied as it is"), help));
    }
    let saved = saved::read(Path::new(file))?;
    let context = Context::of_plan(&saved, file).await?;
    let (work, now) = Work::plan(&context, saved.choices.clone()).await?;
    let again = format!("scones plan {} --out {file}", saved.environment);
    let moved = moved_since(&saved, &now.plan, &context.registry);
    if !moved.is_empty() {
        let moved: Vec<String> = moved.iter().map(|line| format!("  {line}")).collect();
        tell(&format!("the plan in {file} is stale; since it was made, this moved:\n{}", moved.join("\n")));
        tell(&format!("Make a new one: {again}"));
        return Ok(exit::STALE);
    }
    refuse_conflicts(&now.plan)?;
    refuse_silence(&saved, yes)?;
    print(report::plan::text(&saved, &context.registry).trim_end())?;
    choices.ask_policy(&saved).await?;
    if !confirmed(&saved, yes, "Apply this?") {
        return Ok(exit::ERROR);
    }
    work.carry_out(Planned { plan: saved, ..now }, &again, None).await
}

/// Refuses a plan that touches what is not ours, or that was made without having read all.
pub fn refuse_conflicts(plan: &Plan) -> Result<(), Error> {
    if !plan.is_complete() {
        let told: Vec<String> = plan.unread().map(|(what, unread)| format!("\n  {what}: {}", unread.why)).collect();
        let help = plan.unread().find_map(|(_, unread)| unread.help.clone());
        return Err(Error::other(
            format!("nothing was changed: not all could be read{}", told.concat()),
            help.unwrap_or_default(),
        ));
    }
    match plan.conflicts.first() {
        None => Ok(()),
        Some(first) => Err(Error::other(format!("nothing was changed: {}", first.message), first.help.clone())),
    }
}

/// Without a terminal there is nobody to ask; said before a long plan is printed.
pub fn refuse_silence(plan: &Plan, yes: bool) -> Result<(), Error> {
    refuse_to_ask_nobody(yes || !plan.has_changes())
}

/// Refuses to go on without an answer where nobody can give one.
pub fn refuse_to_ask_nobody(answered: bool) -> Result<(), Error> {
    if answered || std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Error::other("nobody is here to ask", "add --yes"))
}

pub fn confirmed(plan: &Plan, yes: bool, question: &str) -> bool {
    yes || !plan.has_changes() || agreed(question)
}

/// Asks a question that is answered with yes or no.
pub fn agreed(question: &str) -> bool {
    let _ = write!(anstream::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

//! `scones apply` and `scones destroy`: plan, ask, apply.

use std::io::{IsTerminal, Write as _};
use std::path::Path;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Context, EnvironmentName, Error, exit, print, tell};
use crate::apply::{Outcome, apply};
use crate::drift_check;
use crate::plan::{Mode, Plan, Step};
use crate::report;

/// The largest saved plan that is read, in bytes.
const LARGEST_PLAN: u64 = 64 << 20;

#[derive(Args)]
pub struct Arguments {
    /// An environment, or a plan saved with `plan --out`
    #[arg(value_name = "ENV|PLANFILE")]
    what: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Also delete what is owned but declared no more
    #[arg(long)]
    prune: bool,
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
    if is_saved_plan(Path::new(&arguments.what)) {
        return run_saved(&arguments).await;
    }
    let context = Context::open(&arguments.what).await?;
    let mode = if arguments.prune { Mode::Prune } else { Mode::Apply };
    let plan = context.plan(mode).await?;
    refuse_silence(&plan, arguments.yes)?;
    print(report::plan::text(&plan, &context.registry).trim_end())?;
    refuse_conflicts(&plan)?;
    if !confirmed(&plan, arguments.yes, "Apply this?")? {
        return Ok(exit::ERROR);
    }
    let prune = if arguments.prune { " --prune" } else { "" };
    carry_out(&context, &plan, &format!("scones apply {}{prune}", context.name)).await
}

pub async fn destroy(arguments: DestroyArguments) -> Result<u8, Error> {
    let context = Context::open(&arguments.environment.environment).await?;
    let plan = context.plan(Mode::Destroy).await?;
    refuse_conflicts(&plan)?;
    refuse_silence(&plan, arguments.yes)?;
    print(report::plan::text(&plan, &context.registry).trim_end())?;
    if !confirmed(&plan, arguments.yes, "Delete all this? It cannot be undone.")? {
        return Ok(exit::ERROR);
    }
    carry_out(&context, &plan, &format!("scones destroy {}", context.name)).await
}

/// Applies a saved plan, if the same plan would be made now.
async fn run_saved(arguments: &Arguments) -> Result<u8, Error> {
    let saved = read_plan(Path::new(&arguments.what))?;
    let context = Context::of_plan(&saved, &arguments.what).await?;
    let now = context.plan(saved.choices.clone()).await?;
    if now.digest != saved.digest || now.bootstrap != saved.bootstrap || now.conflicts != saved.conflicts {
        let moved: Vec<String> = moved(&saved, &now).iter().map(|address| format!("  {address}")).collect();
        let _ = writeln!(
            anstream::stderr(),
            "the plan in {} is stale; since it was made, these moved:\n{}",
            arguments.what,
            moved.join("\n")
        );
        let _ = writeln!(anstream::stderr(), "Make a new one: scones plan {} --out {}", saved.environment, arguments.what);
        return Ok(exit::STALE);
    }
    refuse_conflicts(&saved)?;
    refuse_silence(&saved, arguments.yes)?;
    print(report::plan::text(&saved, &context.registry).trim_end())?;
    if !confirmed(&saved, arguments.yes, "Apply this?")? {
        return Ok(exit::ERROR);
    }
    carry_out(&context, &saved, &format!("scones plan {} --out {}", saved.environment, arguments.what)).await
}

/// Whether a file starts as saved plans do; their names are free.
fn is_saved_plan(path: &Path) -> bool {
    use std::io::Read as _;
    let mut start = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(64).read_to_string(&mut start));
    let json = path.extension().is_some_and(|extension| extension == "json");
    path.is_file() && (json || (read.is_ok() && start.trim_start().starts_with("{") && start.contains("\"format\"")))
}

fn read_plan(path: &Path) -> Result<Plan, Error> {
    let shown = path.display();
    let about = std::fs::metadata(path).map_err(|error| Error::other(format!("cannot read {shown}: {error}"), ""))?;
    if about.len() > LARGEST_PLAN {
        return Err(Error::other(format!("{shown} is too large for a plan"), ""));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Error::other(format!("cannot read {shown}: {error}"), ""))?;
    let help = "make one with `scones plan ENV --out FILE`";
    let plan: Plan =
        serde_json::from_str(&text).map_err(|error| Error::other(format!("{shown} is no saved plan: {error}"), help))?;
    if plan.format != 1 || plan.digest != plan.computed_digest() {
        return Err(Error::other(
            format!("{shown} was changed after it was saved, or comes from another version of scones"),
            help,
        ));
    }
    Ok(plan)
}

/// The addresses whose steps differ between two plans.
fn moved(old: &Plan, new: &Plan) -> Vec<String> {
    // What a plan file does not keep does not count.
    let kept = |step: &Step| serde_json::to_value(step).unwrap_or_default();
    let differs = |step: &&Step, other: &Plan| !other.steps.iter().any(|one| kept(one) == kept(step));
    let mut found: Vec<String> = old
        .steps
        .iter()
        .filter(|step| differs(step, new))
        .chain(new.steps.iter().filter(|step| differs(step, old)))
        .map(|step| step.address.to_string())
        .collect();
    found.sort();
    found.dedup();
    found
}

fn refuse_conflicts(plan: &Plan) -> Result<(), Error> {
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
fn refuse_silence(plan: &Plan, yes: bool) -> Result<(), Error> {
    if yes || !plan.has_changes() || std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Error::other("nobody is here to ask", "add --yes"))
}

fn confirmed(plan: &Plan, yes: bool, question: &str) -> Result<bool, Error> {
    if yes || !plan.has_changes() {
        return Ok(true);
    }
    let _ = write!(anstream::stderr(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    Ok(read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

async fn carry_out(context: &Context, plan: &Plan, again: &str) -> Result<u8, Error> {
    let (stop, stopped) = watch::channel(false);
    let progress = report::progress::Lines::new();
    let applied = apply(&context.aws, plan, &context.registry, &context.directory, &progress, &stopped);
    tokio::pin!(applied);
    let signal_of =
        |kind: SignalKind| signal(kind).map_err(|error| Error::other(format!("cannot listen for signals: {error}"), ""));
    let (mut interrupt, mut terminate) = (signal_of(SignalKind::interrupt())?, signal_of(SignalKind::terminate())?);
    let mut ended_by = None;
    let outcome = loop {
        let code = tokio::select! {
            outcome = &mut applied => break outcome,
            _ = interrupt.recv() => exit::INTERRUPTED,
            _ = terminate.recv() => exit::TERMINATED,
        };
        if ended_by.replace(code).is_some() {
            let _ = writeln!(anstream::stderr(), "stopped at once. To go on from here: {again}");
            return Ok(code);
        }
        let _ = writeln!(anstream::stderr(), "finishing what is in flight; once more to stop at once");
        let _ = stop.send(true);
    };
    let _ = writeln!(anstream::stderr(), "{}", report::outcome::text(&outcome, again));
    let code = code(&outcome, ended_by);
    tell_check(context, plan.choices.mode, code).await?;
    if code == exit::OK && plan.choices.mode != Mode::Destroy {
        verify(context).await?;
    }
    Ok(code)
}

/// Tells the environment's own check for drift what is right now, if it has one.
async fn tell_check(context: &Context, mode: Mode, code: u8) -> Result<(), Error> {
    match (mode, code) {
        (Mode::Destroy, exit::OK) => drift_check::forget(&context.aws).await?,
        (Mode::Apply | Mode::Prune, exit::OK | exit::BLOCKED) => {
            drift_check::leave(&context.aws, &context.desired).await?;
            // It runs by itself later; all that is lost is an alarm that falls silent sooner.
            if let Err(error) = drift_check::start(&context.aws, &context.desired).await {
                tell(&format!("the check for drift was not started: {error}"));
            }
        }
        _ => {}
    }
    Ok(())
}

/// What was applied must also work, where the environment says how that is seen.
async fn verify(context: &Context) -> Result<(), Error> {
    let blocks = context.blocks()?;
    match (blocks.verify, blocks.run) {
        (Some(verifying), Some(running)) => super::run::verify(context, verifying, running).await,
        (Some(_), None) => Err(super::executions::missing("run", &context.name)),
        (None, _) => Ok(()),
    }
}

fn code(outcome: &Outcome, ended_by: Option<u8>) -> u8 {
    match ended_by {
        Some(code) => code,
        None if outcome.failed.iter().any(|failure| failure.mismatch) => exit::STALE,
        None if !outcome.succeeded() => exit::ERROR,
        None if !outcome.blocked.is_empty() => exit::BLOCKED,
        None => exit::OK,
    }
}

//! Carrying a plan out as people see it: alone, interruptible, recorded, verified, and taken back where it does not work.

use jiff::Timestamp;
use tokio::sync::watch;

use super::signals::{self, Ended};
use super::{Context, Error, exit, tell};
use crate::apply::{Outcome, apply, make_bucket};
use crate::author::Author;
use crate::drift_check;
use crate::history::{self, Record};
use crate::lease::{self, Held, Lease, Refused, Seen};
use crate::observe::Looking;
use crate::plan::{Choices, Mode, Observed, Plan, plan, rendered};
use crate::report;

/// A plan with what it was made of.
pub struct Planned {
    pub plan: Plan,
    pub observed: Observed,
}

/// What is about to be applied, and the lease as it was before the plan was made.
pub struct Work<'a> {
    context: &'a Context,
    seen: Seen,
}

/// How far back a state to go back to is looked for.
const FAR_BACK: i32 = 100;

impl Context {
    /// Reads what exists, and plans.
    pub async fn planned(&self, choices: Choices) -> Result<Planned, Error> {
        let observed = self.observe(Looking::Once).await?;
        Ok(Planned { plan: plan(&self.desired, &observed, &self.registry, choices), observed })
    }
}

impl<'a> Work<'a> {
    /// Looks at the lease and plans, at once; refuses where somebody else applies.
    pub async fn plan(context: &'a Context, choices: Choices) -> Result<(Self, Planned), Error> {
        let (seen, planned) = futures::join!(lease::see(&context.aws), context.planned(choices));
        let seen = seen?;
        if let Some((lease, left)) = seen.held() {
            return Err(refused(&Refused::Held(Box::new(lease.clone()), left), &context.name));
        }
        Ok((Self { context, seen }, planned?))
    }

    /// Carries a plan out to an exit code. `again` is the command that goes on after an interruption, `restores` the record
    /// whose state it goes back to.
    pub async fn carry_out(self, planned: Planned, again: &str, restores: Option<String>) -> Result<u8, Error> {
        let Self { context, seen } = self;
        let (stop, stopped) = watch::channel(false);
        let run = Run { context, again, stopped };
        if !planned.plan.has_changes() {
            let work = async { run.all(planned, restores).await };
            return signals::heeded(work, &stop, again).await?.code();
        }
        let progress = report::progress::Lines::new();
        make_bucket(&context.aws, &planned.plan, &progress).await?;
        let author = Author::here(&context.aws, &context.directory);
        let mut held = seen.take(&context.aws, &author).await?.map_err(|held| refused(&held, &context.name))?;
        let work = held.during(run.all(planned, restores), &stop);
        let ended = signals::heeded(work, &stop, again).await;
        let kept = !matches!(&ended, Ok(Ended::Done((_, false), _)));
        give_back(held, kept).await;
        ended?.map(|(result, _)| result).code()
    }
}

/// Gives the lease back; what goes wrong with that hinders only whoever comes next, and only for a minute.
async fn give_back(held: Held<'_>, kept: bool) {
    if !kept {
        return tell("the lease was lost while this ran: another apply may have begun meanwhile; see `scones history`");
    }
    if let Err(error) = held.release().await {
        tell(&format!("the lease could not be given back, and ends by itself within {} s: {error}", lease::TERM.as_secs()));
    }
}

/// Says who applies, and what to do about it.
fn refused(why: &Refused, environment: &str) -> Error {
    match why {
        Refused::Held(lease, left) => Error::Held {
            message: format!("{} applies to this environment, since {}", lease.holder.text(), lease.since),
            help: format!(
                "wait for it; should it have died, its lease ends in {left} s, or with: scones lease {environment} --release"
            ),
        },
        Refused::CameAndWent(lease) => {
            let who = lease.as_deref().map_or_else(|| "somebody".to_owned(), |lease: &Lease| lease.holder.text());
            Error::Held {
                message: format!("{who} applied while this was planned: nothing was changed"),
                help: "run the same command again".to_owned(),
            }
        }
    }
}

struct Run<'a> {
    context: &'a Context,
    again: &'a str,
    stopped: watch::Receiver<bool>,
}

impl Run<'_> {
    /// Applies, records, tells the check for drift, verifies, and goes back if that fails.
    async fn all(&self, planned: Planned, restores: Option<String>) -> Result<u8, Error> {
        let (code, mut record) = self.recorded(self.context, &planned, restores).await?;
        tell_check(self.context, planned.plan.choices.mode, code).await?;
        if code != exit::OK || planned.plan.choices.mode == Mode::Destroy {
            return Ok(code);
        }
        let mut stopped = self.stopped.clone();
        let verified = tokio::select! {
            verified = verify(self.context) => verified,
            _ = stopped.wait_for(|stop| *stop) => Err(Error::other("verify: it was interrupted", "")),
        };
        let Err(error) = verified else { return Ok(code) };
        if *self.stopped.borrow() || !planned.plan.has_changes() {
            return Err(error);
        }
        record.unverified(&error.message());
        record.keep(&self.context.aws).await?;
        tell(&error.to_string());
        self.take_back(&record).await?;
        Ok(exit::ERROR)
    }

    /// Applies a plan and keeps a record of it, from before the first change on.
    async fn recorded(&self, context: &Context, planned: &Planned, restores: Option<String>) -> Result<(u8, Record), Error> {
        let aws = &context.aws;
        let (plan, desired) = (&planned.plan, rendered(&planned.plan.desired, &planned.observed));
        let author = Author::here(aws, &context.directory);
        let mut record = Record::of(plan, desired, author, Timestamp::now(), restores);
        let recorded = planned.observed.bootstrap || plan.bootstrap.is_some();
        if recorded && plan.has_changes() {
            record.keep(aws).await?;
        }
        let progress = report::progress::Lines::new();
        let outcome = apply(aws, plan, &context.registry, &context.directory, &progress, &self.stopped).await;
        record.ended(&outcome, Timestamp::now());
        let kept = if recorded { record.keep(aws).await } else { Ok(()) };
        tell(&report::outcome::text(&outcome, self.again));
        if let Err(error) = kept {
            tell(&format!("the record of this could not be finished: {error}"));
        }
        Ok((code(&outcome), record))
    }

    /// Goes back to the last complete state before an apply that does not work, and says what stays of that.
    async fn take_back(&self, record: &Record) -> Result<(), Error> {
        let records = history::newest(&self.context.aws, FAR_BACK).await?;
        let Some(earlier) = history::before(&records) else {
            tell("there is no earlier state to go back to: what was applied stays");
            return Ok(());
        };
        tell(&format!("going back to what {} applied, {}", earlier.short(), earlier.began));
        let context = self.context.going_back(earlier.desired.clone());
        let planned = context.planned(Mode::Apply.into()).await?;
        if let Err(error) = super::apply::refuse_conflicts(&planned.plan) {
            tell(&format!("it cannot be taken back: {}", error.message()));
            return Ok(());
        }
        tell(report::plan::text(&planned.plan, &context.registry).trim_end());
        let (code, _) = self.recorded(&context, &planned, Some(earlier.id.clone())).await?;
        tell_check(&context, Mode::Apply, code).await?;
        let stays: Vec<String> = record
            .created
            .iter()
            .filter(|made| !context.desired.resources.contains_key(*made))
            .map(ToString::to_string)
            .collect();
        if !stays.is_empty() {
            let help = format!("scones rollback {} --to {} --prune deletes them", context.name, earlier.short());
            tell(&format!("what it made stays: {}\n  {help}", stays.join(", ")));
        }
        Ok(())
    }
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

fn code(outcome: &Outcome) -> u8 {
    match () {
        () if outcome.failed.iter().any(|failure| failure.mismatch) => exit::STALE,
        () if !outcome.succeeded() => exit::ERROR,
        () if !outcome.blocked.is_empty() => exit::BLOCKED,
        () => exit::OK,
    }
}

//! The only writer: [`Plan`] → [`Outcome`]. Makes no choices of its own.

mod code;
pub mod copies;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::address::Address;
use crate::aws::{Aws, AwsError, bootstrap, tags, waiting};
use crate::desired::{Resource, tag};
use crate::kind::{Live, Registry, Tags, Target};
use crate::plan::{Action, Plan, Step};

/// How many steps run at once; each sends several requests of its own.
const MOST_AT_ONCE: usize = 10;

/// What came of a plan.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    pub done: Vec<Done>,
    pub failed: Vec<Failure>,
    /// What was not begun: it needed something that failed, or there was an interruption.
    pub left: Vec<Address>,
    pub blocked: Vec<(Address, String)>,
    pub interrupted: bool,
}

/// A step that reached its end.
#[derive(Debug, Serialize)]
pub struct Done {
    pub address: Address,
    pub action: Action,
    pub seconds: f64,
}

/// A step that did not.
#[derive(Debug, Serialize)]
pub struct Failure {
    pub address: Address,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// AWS was about to do what the plan did not show.
    pub mismatch: bool,
}

impl Outcome {
    /// Whether all was done that could be done.
    pub fn succeeded(&self) -> bool {
        self.failed.is_empty() && self.left.is_empty()
    }
}

/// Hears of each step as it goes.
pub trait Progress: Sync {
    fn note(&self, text: &str);
    fn started(&self, step: &Step);
    fn waiting(&self, address: &Address, what: &str);
    fn finished(&self, step: &Step, took: Duration, failure: Option<&str>);
}

/// All that steps share while a plan is applied.
pub struct Run<'a> {
    pub aws: &'a Aws,
    pub registry: &'a Registry,
    pub plan: &'a Plan,
    pub progress: &'a dyn Progress,
    /// What fills holes: `section.name.attribute` to its value.
    known: Mutex<BTreeMap<String, String>>,
}

impl Run<'_> {
    fn known(&self) -> BTreeMap<String, String> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn learn(&self, values: impl IntoIterator<Item = (String, String)>) {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(values);
    }
}

/// Makes the bootstrap bucket, if the plan says so; all else of an apply wants it there.
///
/// # Errors
/// What S3 answers.
pub async fn make_bucket(aws: &Aws, plan: &Plan, progress: &dyn Progress) -> Result<(), AwsError> {
    let Some(bucket) = &plan.bootstrap else { return Ok(()) };
    progress.note(&format!("making the bucket {bucket}"));
    bootstrap::create(aws).await
}

/// Carries a plan out. Steps that do not need each other run at once; when one fails, those that need it are left, and
/// all others go on. `directory` is where the sources of packages are found.
///
/// Once `stop` is true no step is begun; those that run come to their end.
pub async fn apply(
    aws: &Aws,
    plan: &Plan,
    registry: &Registry,
    directory: &Path,
    progress: &dyn Progress,
    stop: &watch::Receiver<bool>,
) -> Outcome {
    let mut outcome = Outcome::default();
    let run = Run { aws, registry, plan, progress, known: Mutex::default() };
    if let Err((address, error)) = prepare(&run, directory).await {
        outcome.failed.push(failure(address, &error));
        outcome.left = plan.steps.iter().filter(|step| step.acts()).map(|step| step.address.clone()).collect();
        return outcome;
    }
    outcome.blocked = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Blocked)
        .map(|step| (step.address.clone(), step.reason.clone().unwrap_or_default()))
        .collect();
    let mut waiting: Vec<usize> = (0..plan.steps.len()).filter(|index| plan.steps[*index].acts()).collect();
    let mut unfinished: BTreeSet<usize> = waiting.iter().copied().collect();
    let mut running = FuturesUnordered::new();
    loop {
        if *stop.borrow() {
            outcome.interrupted = true;
        } else {
            let ready = |index: &usize| is_ready(&plan.steps, *index, &unfinished);
            let room = MOST_AT_ONCE.saturating_sub(running.len());
            let next: Vec<usize> = waiting.iter().copied().filter(ready).take(room).collect();
            waiting.retain(|index| !next.contains(index));
            for index in next {
                let step = &plan.steps[index];
                progress.started(step);
                let run = &run;
                running.push(async move {
                    let begun = Instant::now();
                    let listener = |what: &str| run.progress.waiting(&step.address, what);
                    let result = waiting::heard(step::carry_out(run, step), listener).await;
                    (index, begun.elapsed(), result)
                });
            }
        }
        let Some((index, took, result)) = running.next().await else { break };
        let step = &plan.steps[index];
        match result {
            Ok(()) => {
                unfinished.remove(&index);
                progress.finished(step, took, None);
                outcome.done.push(Done { address: step.address.clone(), action: step.action, seconds: took.as_secs_f64() });
            }
            // It stays unfinished, so that what needs it is never begun.
            Err(error) => {
                let failed = failure(step.address.clone(), &error);
                progress.finished(step, took, Some(&failed.message));
                outcome.failed.push(failed);
            }
        }
    }
    outcome.left = waiting.into_iter().map(|index| plan.steps[index].address.clone()).collect();
    outcome
}

/// Takes over a resource that exists, by writing the environment's tags on it; everything else is the next plan's.
///
/// # Errors
/// What AWS answers.
pub async fn adopt(
    aws: &Aws,
    registry: &Registry,
    address: &Address,
    live: &Live<Value>,
    resource: &Resource,
) -> Result<(), AwsError> {
    let ownership = resource.tags.iter().filter(|(key, _)| key.starts_with(tag::PREFIX));
    let ownership: Tags = ownership.map(|(key, value)| (key.clone(), value.clone())).collect();
    if tags::writable(&live.arn) {
        return tags::write(aws, &live.arn, &ownership, &[]).await;
    }
    let Some(kind) = registry.get(&address.section) else { return Ok(()) };
    let tags = live.tags.clone().unwrap_or_default().into_iter().chain(ownership).filter(|(key, _)| !key.starts_with("aws:"));
    let as_it_is = Target { name: live.name.clone(), state: live.state.clone(), tags: tags.collect() };
    kind.update(aws, live, as_it_is, &[]).await
}

fn is_ready(steps: &[Step], index: usize, unfinished: &BTreeSet<usize>) -> bool {
    let needs = &steps[index].needs;
    !unfinished.iter().any(|other| *other < index && needs.contains(&steps[*other].address))
}

fn failure(address: Address, error: &AwsError) -> Failure {
    Failure { address, message: error.to_string(), help: error.help(), mismatch: error.is_stale() }
}

/// Puts the packages into the bootstrap bucket that steps will use.
async fn prepare(run: &Run<'_>, directory: &Path) -> Result<(), (Address, AwsError)> {
    code::upload(run, directory).await
}

//! (Desired, Observed) → [`Plan`]. Pure: all choices are made here, and applying makes none.

mod decide;
mod deletion;
mod generations;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::desired::Desired;
use crate::diff::{Cause, Change};
use crate::kind::{Live, Needs, Registry, Status, Tags, Unchecked, World, digest};

pub use decide::{comparable, filled, stamp_of};

/// What exists, as far as the environment is concerned.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// What exists under the declared names.
    pub resources: BTreeMap<Address, Live<Value>>,
    /// What carries the environment's tags but is declared no more.
    pub orphans: BTreeMap<Address, Orphan>,
    /// Declared resources that are gone, while something that belonged to them is left.
    pub residues: BTreeMap<Address, Vec<String>>,
    /// What keeps absent resources from being made.
    pub obstacles: BTreeMap<Address, String>,
    /// Whether the bootstrap bucket exists.
    pub bootstrap: bool,
}

/// Something owned that no file declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    pub name: String,
    /// The ARNs that were found of it.
    pub arns: Vec<String>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Create,
    Update,
    /// Delete and create.
    Replace,
    Delete,
    /// Delete generations beyond those that are kept.
    Collect,
    /// AWS is still busy with an earlier change that is the right one.
    Wait,
    /// Waits for what applying cannot bring about.
    Blocked,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub address: Address,
    pub action: Action,
    /// The resource's name in AWS; of kinds named by content, the part before the hash.
    pub name: String,
    /// Steps of this plan that come first.
    pub needs: Needs,
    pub changes: Vec<Change>,
    /// Why, where the changes do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The live side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Live<Value>>,
    /// The state to reach; may have holes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    /// All tags to have but the stamp.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// The generations that go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generations: Vec<String>,
}

impl Step {
    /// Whether applying does something for it.
    pub fn acts(&self) -> bool {
        self.action != Action::Blocked
    }

    /// Whether something moved that the files did not move, or is gone.
    pub fn is_drift(&self) -> bool {
        self.changes.iter().any(may_be_drift)
    }
}

/// How many resources each action touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub collect: usize,
    pub unchanged: usize,
    pub blocked: usize,
    pub orphan: usize,
}

/// A resource of a declared name that is someone else's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    pub address: Address,
    pub message: String,
    pub help: String,
}

/// All that applying will do, in an order that works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub format: u32,
    pub app: String,
    pub environment: String,
    pub account: String,
    pub region: String,
    /// The SHA-256 of the steps: two plans with the same digest do the same.
    pub digest: String,
    pub summary: Summary,
    /// The bootstrap bucket that must be made first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<String>,
    pub steps: Vec<Step>,
    pub orphans: BTreeMap<Address, Orphan>,
    pub conflicts: Vec<Conflict>,
    /// Parts of resources that could not be looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unchecked: BTreeMap<Address, Vec<Unchecked>>,
    pub mode: Mode,
    /// All that was asked for, so that a saved plan can be made again and compared.
    pub desired: Desired,
}

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Make what is declared.
    Apply,
    /// The same, and delete what is declared no more.
    Prune,
    /// Delete all that is owned.
    Destroy,
}

impl Plan {
    pub fn world(&self) -> &World {
        &self.desired.world
    }

    /// Whether applying would do anything.
    pub fn has_changes(&self) -> bool {
        self.steps.iter().any(Step::acts)
    }
}

/// Makes a plan.
pub fn plan(desired: &Desired, observed: &Observed, registry: &Registry, mode: Mode) -> Plan {
    let mut conflicts = vec![];
    let (steps, unchanged) = match mode {
        Mode::Destroy => (deletion::all(desired, observed, registry), 0),
        Mode::Apply | Mode::Prune => {
            let decided = decide::decide(desired, observed, registry);
            let unchanged = decided.unchanged.len();
            conflicts = decided.conflicts;
            let mut steps = decided.steps;
            steps.extend(generations::collect(&steps, &decided.unchanged, observed, registry));
            if mode == Mode::Prune {
                let after: Needs = steps.iter().map(|step| step.address.clone()).collect();
                steps.extend(deletion::orphans(&observed.orphans, &after, registry));
            }
            (steps, unchanged)
        }
    };
    conflicts.extend(steps.iter().filter(|_| desired.protect).filter_map(protected));
    let world = &desired.world;
    let needs_bucket = mode != Mode::Destroy && !observed.bootstrap && steps.iter().any(Step::acts);
    let body = serde_json::to_value(&steps).unwrap_or_default();
    let orphans = if mode == Mode::Apply { observed.orphans.clone() } else { BTreeMap::new() };
    Plan {
        format: 1,
        app: world.app.clone(),
        environment: world.environment.clone(),
        account: world.account.clone(),
        region: world.region.clone(),
        digest: format!("sha256:{}", digest(&body)),
        summary: summary(&steps, unchanged, orphans.len()),
        bootstrap: needs_bucket.then(|| world.bootstrap_bucket()),
        steps,
        orphans,
        conflicts,
        unchecked: unchecked(observed),
        mode,
        desired: desired.clone(),
    }
}

fn unchecked(observed: &Observed) -> BTreeMap<Address, Vec<Unchecked>> {
    let of = |live: &Live<Value>| live.look.unchecked.clone();
    let all = observed.resources.iter().map(|(address, live)| (address.clone(), of(live)));
    all.filter(|(_, unchecked)| !unchecked.is_empty()).collect()
}

/// A protected environment loses nothing that works, neither by deletion nor by replacement.
fn protected(step: &Step) -> Option<Conflict> {
    let works = step.from.as_ref().is_none_or(is_settled);
    let loses = step.action == Action::Delete || (step.action == Action::Replace && works);
    loses.then(|| Conflict {
        address: step.address.clone(),
        message: format!("{} is protected, and would be deleted", step.address),
        help: "to delete it all the same, set `protect: false` in the environment's file first".to_owned(),
    })
}

fn summary(steps: &[Step], unchanged: usize, orphan: usize) -> Summary {
    let count = |action: Action| steps.iter().filter(|step| step.action == action).count();
    Summary {
        create: count(Action::Create),
        update: count(Action::Update) + count(Action::Wait),
        replace: count(Action::Replace),
        delete: count(Action::Delete),
        collect: count(Action::Collect),
        blocked: count(Action::Blocked),
        unchanged,
        orphan,
    }
}

/// Whether tags say that a resource is this environment's.
pub fn is_owned(tags: &Tags, world: &World) -> bool {
    use crate::desired::tag;
    tags.get(tag::APP) == Some(&world.app)
        && tags.get(tag::ENVIRONMENT) == Some(&world.environment)
        && tags.get(tag::REGION) == Some(&world.region)
}

/// Whether AWS is done with it and it works.
pub fn is_settled(live: &Live<Value>) -> bool {
    live.status == Status::Settled
}

/// Whether the live side moved, or nobody can tell.
fn may_be_drift(change: &Change) -> bool {
    matches!(change.cause, Some(Cause::Drifted | Cause::Both | Cause::Unknown))
}

/// Keeps of a plan what nobody declared: values that moved on the live side, and resources that are gone.
///
/// AWS keeps no record of what is missing, so in an environment of which something exists, a declared resource that
/// does not counts as gone: either it was deleted, or it was never applied.
pub fn drift_of(mut plan: Plan, observed: &Observed) -> Plan {
    let deployed = observed.resources.values().any(|live| is_owned(&live.tags.clone().unwrap_or_default(), &plan.desired.world));
    plan.steps.retain_mut(|step| match step.action {
        Action::Create => {
            step.reason = Some("it is gone, or was never applied".to_owned());
            deployed
        }
        Action::Replace if step.changes.is_empty() => true,
        Action::Update | Action::Replace => {
            step.changes.retain(may_be_drift);
            step.is_drift()
        }
        _ => false,
    });
    plan.bootstrap = None;
    plan.summary = summary(&plan.steps, plan.summary.unchanged, plan.orphans.len());
    plan
}

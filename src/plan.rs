//! (Desired, Observed) → [`Plan`]. Pure: all choices are made here, and applying makes none.

mod decide;
mod deletion;
mod drifted;
mod fingerprint;
mod generations;
mod guards;
mod ignored;
mod narrow;
mod stale;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::desired::Desired;
use crate::diff::Change;
use crate::kind::{Live, Needs, Registry, Status, Tags, Unchecked, World, digest};
use crate::who::Who;

pub use decide::{comparable, filled, silenced, stamp_of};
pub use drifted::drift_of;
use drifted::may_be_drift;
pub use fingerprint::{fingerprint, moved};
pub use ignored::{Silenced, as_declared};
pub use stale::moved_since;

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
    /// What carries the environment's prefix but not its tags.
    pub neighbours: Vec<Neighbour>,
    /// Declared resources that could not be read, each with why.
    pub unknown: BTreeMap<Address, Unread>,
    /// What else could not be read: searches, and the tags of what was found.
    pub unseen: Vec<Unread>,
    /// Whether the bootstrap bucket exists.
    pub bootstrap: bool,
}

/// What could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// What was to be read; empty where an address says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub what: String,
    pub why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A resource that is named as if it were the environment's, and is not: made by hand, or by another tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    pub section: String,
    pub name: String,
    /// What it is, where that is only part of what the section's resources are: an endpoint configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}

impl Neighbour {
    /// Its section, or what it is in place of that.
    pub fn sort(&self) -> &str {
        self.what.as_deref().unwrap_or(&self.section)
    }
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
    /// The fingerprint of the live side: what the step was made against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
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
    /// Of a drift: who changed it last, if that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
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
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ignored: usize,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unmanaged: usize,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
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
    /// The SHA-256 of what is asked for and of the steps: two plans with the same digest do the same.
    pub digest: String,
    pub summary: Summary,
    /// The bootstrap bucket that must be made first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<String>,
    pub steps: Vec<Step>,
    pub orphans: BTreeMap<Address, Orphan>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neighbours: Vec<Neighbour>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Silenced>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown: BTreeMap<Address, Unread>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<Unread>,
    pub conflicts: Vec<Conflict>,
    /// Parts of resources that could not be looked at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unchecked: BTreeMap<Address, Vec<Unchecked>>,
    #[serde(flatten)]
    pub choices: Choices,
    /// How many steps are left out, since only some were asked for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// All that was asked for, so that a saved plan can be made again and compared.
    pub desired: Desired,
}

/// What was asked for besides the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    pub mode: Mode,
    /// Whether rollouts that went back are tried once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retry: bool,
    /// The addresses to which the plan is kept, with what they need; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Address>,
}

impl From<Mode> for Choices {
    fn from(mode: Mode) -> Self {
        Self { mode, retry: false, targets: vec![] }
    }
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

    /// The digest that a plan of these steps has.
    pub fn computed_digest(&self) -> String {
        let body = serde_json::json!([self.desired, self.choices, self.bootstrap, self.steps]);
        format!("sha256:{}", digest(&body))
    }

    /// Whether all was read that the plan speaks of; else it is none to be applied.
    pub fn is_complete(&self) -> bool {
        self.gaps() == 0
    }

    /// How much could not be read.
    pub fn gaps(&self) -> usize {
        self.unread().count() + self.unchecked.values().flatten().filter(|one| one.failed).count()
    }

    /// What could not be read: resources by their addresses, and searches.
    pub fn unread(&self) -> impl Iterator<Item = (String, &Unread)> {
        let resources = self.unknown.iter().map(|(address, unread)| (address.to_string(), unread));
        resources.chain(self.unseen.iter().map(|unread| (unread.what.clone(), unread)))
    }

    /// Whether there is nothing to say besides the steps.
    pub fn has_no_remarks(&self) -> bool {
        self.is_complete()
            && self.orphans.is_empty()
            && self.neighbours.is_empty()
            && self.ignored.is_empty()
            && self.desired.expired.is_empty()
    }

    /// Whether applying would do anything.
    pub fn has_changes(&self) -> bool {
        self.steps.iter().any(Step::acts)
    }
}

/// Makes a plan.
pub fn plan(desired: &Desired, observed: &Observed, registry: &Registry, choices: impl Into<Choices>) -> Plan {
    let choices: Choices = choices.into();
    let mode = choices.mode;
    let (mut conflicts, mut ignored) = (vec![], vec![]);
    let mut unknown = observed.unknown.clone();
    let (steps, unchanged) = match mode {
        Mode::Destroy => (deletion::all(desired, observed, registry), 0),
        Mode::Apply | Mode::Prune => {
            let decided = decide::decide(desired, observed, registry, choices.retry);
            let unchanged = decided.unchanged.len();
            conflicts = decided.conflicts;
            ignored = decided.ignored;
            unknown.extend(decided.unknown);
            let mut steps = decided.steps;
            steps.extend(generations::collect(&steps, &decided.unchanged, observed, registry));
            if mode == Mode::Prune {
                let after: Needs = steps.iter().map(|step| step.address.clone()).collect();
                steps.extend(deletion::orphans(&observed.orphans, &after, registry));
            }
            (steps, unchanged)
        }
    };
    let all = steps.len();
    let mut steps = narrow::to_targets(steps, &choices.targets, desired);
    for step in &mut steps {
        step.fingerprint = step.from.as_ref().map(fingerprint);
    }
    let left_out = all - steps.len();
    conflicts.retain(|conflict: &Conflict| narrow::is_asked_for(&conflict.address, &choices.targets, desired));
    conflicts.extend(guards::conflicts(&steps, desired, mode));
    let world = &desired.world;
    let needs_bucket = mode != Mode::Destroy && !observed.bootstrap && steps.iter().any(Step::acts);
    let orphans = if mode == Mode::Apply { observed.orphans.clone() } else { BTreeMap::new() };
    let mut made = Plan {
        format: 1,
        app: world.app.clone(),
        environment: world.environment.clone(),
        account: world.account.clone(),
        region: world.region.clone(),
        digest: String::new(),
        summary: Summary::default(),
        bootstrap: needs_bucket.then(|| world.bootstrap_bucket()),
        steps,
        orphans,
        neighbours: observed.neighbours.clone(),
        ignored,
        unknown,
        unseen: observed.unseen.clone(),
        conflicts,
        unchecked: unchecked(observed),
        choices,
        left_out,
        desired: desired.clone(),
    };
    made.summary = summary(&made, unchanged);
    made.digest = made.computed_digest();
    made
}

fn unchecked(observed: &Observed) -> BTreeMap<Address, Vec<Unchecked>> {
    let of = |live: &Live<Value>| live.look.unchecked.clone();
    let all = observed.resources.iter().map(|(address, live)| (address.clone(), of(live)));
    all.filter(|(_, unchecked)| !unchecked.is_empty()).collect()
}

/// What was asked for, with what others than apply have brought about by now in its place: as a record keeps it, so that going
/// back to it does not bring something newer.
pub fn rendered(desired: &Desired, observed: &Observed) -> Desired {
    let mut rendered = desired.clone();
    let known = decide::brought_about(desired, observed);
    for resource in rendered.resources.values_mut() {
        resource.state = filled(&resource.state, &resource.holes, &known);
        resource.holes.retain(|hole| !known.contains_key(hole));
        resource.awaits.retain(|hole, _| !known.contains_key(hole));
    }
    rendered
}

fn summary(plan: &Plan, unchanged: usize) -> Summary {
    let count = |action: Action| plan.steps.iter().filter(|step| step.action == action).count();
    Summary {
        create: count(Action::Create),
        update: count(Action::Update) + count(Action::Wait),
        replace: count(Action::Replace),
        delete: count(Action::Delete),
        collect: count(Action::Collect),
        blocked: count(Action::Blocked),
        unchanged,
        orphan: plan.orphans.len(),
        ignored: plan.ignored.iter().map(|one| one.changes.len()).sum(),
        unmanaged: plan.neighbours.len(),
        unknown: plan.gaps(),
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

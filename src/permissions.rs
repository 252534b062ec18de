//! (Desired, kinds) → the smallest IAM policy that a job needs. Pure.
//!
//! Kinds say which actions they send and on what. Names that begin as the environment's do become one pattern, since what
//! is declared no more has to be read and deleted too; other names stand for themselves.

mod statement;

use serde_json::{Value, json};

use crate::address::Address;
use crate::desired::Desired;
use crate::environment::Blocks;
use crate::environment::drift_check::folder;
use crate::kind::{ANY, Access, AnyKind, Call, Registry, When, World};
use statement::{Grant, Statement, statements};

/// The most characters of a managed policy, white space not counted. Source: IAM quotas, "Managed policy length".
pub const MANAGED_LIMIT: usize = 6_144;

/// What a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Job {
    Plan,
    /// Also destroying, adopting and pruning.
    Apply,
    Drift,
}

impl Job {
    fn sends(self, when: When) -> bool {
        match when {
            When::Search | When::Read => true,
            // What was set right is looked at again.
            When::Drift => self != Self::Plan,
            When::Create | When::Update(_) | When::Delete => self == Self::Apply,
        }
    }
}

/// What the engine itself asks. GetCallerIdentity is not among it: IAM lets everybody ask who they are.
const ENGINE: &[Call] = &[
    Call::of(When::Search, ANY, &["tag:GetResources"]),
    // HeadBucket.
    Call::of(When::Search, BOOTSTRAP, &["s3:ListBucket"]),
    Call::of(When::Create, BOOTSTRAP, &["s3:CreateBucket", "s3:PutBucketPublicAccessBlock", "s3:PutEncryptionConfiguration"]),
];
const BOOTSTRAP: &[&str] = &["arn:{partition}:s3:::{bootstrap}"];

/// Returns the policy as `aws iam create-policy` takes it.
#[must_use]
pub fn policy(desired: &Desired, registry: &Registry, job: Job) -> Value {
    let statements = statements(granted(desired, registry, job));
    json!({ "Version": "2012-10-17", "Statement": statements.iter().map(Statement::document).collect::<Vec<Value>>() })
}

/// Says what takes permissions that are not known here, and so are not in the policy.
#[must_use]
pub fn unknown(desired: &Desired, registry: &Registry, job: Job) -> Vec<String> {
    let unknown = |access| match access {
        Access::Unknown(what) => Some(what),
        Access::Known { .. } => None,
    };
    let mut found: Vec<String> = accesses(desired, registry).filter(|_| job != Job::Plan).filter_map(unknown).collect();
    found.sort();
    found.dedup();
    found
}

/// All that is granted, one resource at a time.
fn granted(desired: &Desired, registry: &Registry, job: Job) -> Vec<Grant> {
    let world = &desired.world;
    let mut found = vec![];
    let mut add = |call: &Call, names: &[Name]| {
        for (action, on) in call.actions.iter().flat_map(|action| call.on.iter().map(move |on| (*action, *on))) {
            let only = call.only.map(|(key, value)| (key, value.to_owned()));
            found.extend(names.iter().map(|name| granted_one(world, action, name.filled(on, world), only.clone())));
        }
    };
    for call in ENGINE.iter().filter(|call| job.sends(call.when)) {
        add(call, &[Name::of_environment(world)]);
    }
    for kind in registry.iter() {
        let names = names(kind, desired);
        let asked = |call: &&Call| job.sends(call.when) && (call.when == When::Search || is_declared(kind, desired));
        kind.calls().iter().filter(asked).for_each(|call| add(call, &names));
    }
    let others = accesses(desired, registry).chain(verifying(desired).into_iter().filter(|_| job == Job::Apply));
    let others = others.chain(checking(desired)).chain(recording(desired));
    for access in others {
        if let Access::Known { when, action, on, only } = access
            && job.sends(when)
        {
            found.push(granted_one(world, action, in_path(closed(&on), world), only));
        }
    }
    found
}

/// What knows no resource is bound to the region, as far as its service has any.
fn granted_one(world: &World, action: &'static str, on: String, only: Option<(&'static str, String)>) -> Grant {
    let regional = on == "*" && !action.starts_with("iam:");
    let only = only.or_else(|| regional.then(|| ("aws:RequestedRegion", world.region.clone())));
    Grant { action, on, only }
}

fn accesses<'a>(desired: &'a Desired, registry: &'a Registry) -> impl Iterator<Item = Access> + 'a {
    desired.resources.iter().flat_map(|(address, resource)| {
        let kind = registry.get(&address.section);
        kind.map(|kind| kind.accesses(&desired.world, &resource.name, &resource.state)).unwrap_or_default()
    })
}

/// The picture that must come out right after each apply.
fn verifying(desired: &Desired) -> Vec<Access> {
    let Ok(Blocks { verify: Some(_), run: Some(run), .. }) = Blocks::of(&desired.blocks) else { return vec![] };
    let world = &desired.world;
    let workflow = desired.resources.get(&Address::new("state_machines", run.workflow.as_str()));
    // The environment's own workflows are one pattern: whoever applies may change each of them anyway.
    let own = format!("{}*", world.prefix());
    let name = workflow.map_or("*", |workflow| if workflow.name.starts_with(&world.prefix()) { &own } else { &workflow.name });
    let upload = run.upload.trim_start_matches("s3://");
    vec![
        Access::of(When::Create, "states:StartExecution", world.arn("states", &format!("stateMachine:{name}"))),
        Access::of(When::Create, "states:GetExecutionHistory", world.arn("states", &format!("execution:{name}:*"))),
        Access::of(When::Create, "s3:PutObject", format!("arn:{}:s3:::{upload}/*", world.partition())),
    ]
}

/// What the environment's own check for drift is told by each apply, and what destroying takes away of it.
fn checking(desired: &Desired) -> Vec<Access> {
    let world = &desired.world;
    let folder = folder(&world.app, &world.environment);
    let left = format!("arn:{}:s3:::{}/{folder}*", world.partition(), world.bootstrap_bucket());
    let told = desired.drift_check().into_iter().flat_map(|function| {
        let alias = world.arn("lambda", &format!("function:{}:live", function.name));
        [Access::of(When::Create, "s3:PutObject", left.clone()), Access::of(When::Create, "lambda:InvokeFunction", alias)]
    });
    [Access::of(When::Delete, "s3:DeleteObject", left.clone())].into_iter().chain(told).collect()
}

/// The lease of whoever applies, and the records that applies leave; going back reads these.
fn recording(desired: &Desired) -> Vec<Access> {
    let world = &desired.world;
    let place = format!("arn:{}:s3:::{}/{}*", world.partition(), world.bootstrap_bucket(), world.folder());
    ["s3:GetObject", "s3:PutObject"].map(|action| Access::of(When::Create, action, place.clone())).into()
}

fn is_declared(kind: &dyn AnyKind, desired: &Desired) -> bool {
    desired.resources.keys().any(|address| address.section == kind.section())
}

/// The names that resources of a kind have, as patterns.
fn names(kind: &dyn AnyKind, desired: &Desired) -> Vec<Name> {
    let prefix = desired.world.prefix();
    let given = desired.resources.iter().filter(|(address, _)| address.section == kind.section());
    let others = given.map(|(_, resource)| &resource.name).filter(|name| !name.starts_with(&prefix));
    let others = others.map(|name| Name { name: name.clone(), hashed: format!("{name}-*") });
    [Name::of_environment(&desired.world)].into_iter().chain(others).collect()
}

/// What stands for the name of a resource.
struct Name {
    name: String,
    /// The same for names that end in a hash.
    hashed: String,
}

impl Name {
    fn of_environment(world: &World) -> Self {
        let any = format!("{}*", world.prefix());
        Self { name: any.clone(), hashed: any }
    }

    fn filled(&self, on: &str, world: &World) -> String {
        [
            ("{partition}", world.partition()),
            ("{region}", &world.region),
            ("{account}", &world.account),
            ("{path}", &world.role_path()),
            ("{bootstrap}", &world.bootstrap_bucket()),
            ("{name}", &self.name),
            ("{hashed}", &self.hashed),
        ]
        .into_iter()
        .fold(on.to_owned(), |text, (place, value)| text.replace(place, value))
    }
}

/// References that are still open, `${…}`, stand for anything.
fn closed(on: &str) -> String {
    let mut out = String::new();
    let mut rest = on;
    while let Some((before, behind)) = rest.split_once("${") {
        out.push_str(before);
        out.push('*');
        rest = behind.split_once('}').map_or("", |(_, after)| after);
    }
    let out = out + rest;
    // What begins with a reference is an ARN that is wholly unknown.
    if out.starts_with('*') { "*".to_owned() } else { out }
}

/// Roles below the environment's path are one pattern, and so are schedules in its group: who may make any of them there
/// gains nothing by a list of them.
fn in_path(on: String, world: &World) -> String {
    let roles = format!("arn:{}:iam::{}:role{}", world.partition(), world.account, world.role_path());
    let schedules = world.arn("scheduler", &format!("schedule/{}-{}/", world.app, world.environment));
    match [roles, schedules].into_iter().find(|path| on.starts_with(path)) {
        Some(path) => path + "*",
        None => on,
    }
}

#[cfg(test)]
mod tests;

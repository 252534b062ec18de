//! The check for drift that nobody starts: what it publishes, what it remembers, and the function that runs it inside AWS.

pub mod function;
mod kept;
mod measure;
mod memory;
mod publish;

pub use kept::{forget, leave, start};
pub use measure::{NAMESPACE, Reading};
pub use publish::{publish, publish_unknown};

use crate::address::Address;
use crate::aws::{Aws, AwsError};
use crate::desired::{Desired, Resource};
use crate::environment::drift_check::NAME;
use crate::kind::{Registry, World};
use crate::observe::observe;
use crate::packages::PROGRAM;
use crate::plan::{Mode, Plan, drift_of, plan};

/// Where in the bootstrap bucket `apply` leaves what it applied, for the function: it has no files.
fn desired_key(world: &World) -> String {
    format!("desired/{}/{}.json", world.app, world.environment)
}

/// Where it is kept when each drift was first seen. Nothing needs it in order to run.
fn memory_key(world: &World) -> String {
    format!("drift/{}/{}.json", world.app, world.environment)
}

/// Where the function leaves what it found last.
fn report_key(world: &World) -> String {
    format!("drift/{}/{}/last.json", world.app, world.environment)
}

/// The function that the block `drift_check` stands for, if the environment has it.
fn declared(desired: &Desired) -> Option<&Resource> {
    let function = desired.resources.get(&Address::new("functions", NAME))?;
    (function.source.as_deref() == Some(PROGRAM)).then_some(function)
}

/// Reads what exists, and keeps of the plan what nobody declared.
///
/// # Errors
/// The first failed read.
pub async fn look(aws: &Aws, desired: &Desired, registry: &Registry) -> Result<Plan, AwsError> {
    let observed = observe(aws, desired, registry).await?;
    Ok(drift_of(plan(desired, &observed, registry, Mode::Apply), &observed))
}

//! `scones permissions`: the IAM policy that a job needs.

use clap::Args;

use super::{Context, EnvironmentName, Error, exit, print, tell};
use crate::kinds::registry;
use crate::permissions::{Job, MANAGED_LIMIT, policy, unknown};
use crate::policy::{ROLE_INLINE_LIMIT, size};

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    environment: EnvironmentName,
    /// What it must be enough for
    #[arg(long = "for", value_enum, value_name = "JOB")]
    job: Job,
}

/// Prints the policy as `aws iam create-policy` takes it. AWS is asked only for the account, where no file names it.
pub async fn run(arguments: Arguments) -> Result<u8, Error> {
    let name = &arguments.environment.environment;
    let (environment, mut desired) = Context::offline(name)?;
    if environment.header.account.is_none() {
        desired = Context::open(name).await?.desired;
    }
    let (registry, job) = (registry(), arguments.job);
    let policy = policy(&desired, &registry, job);
    for what in unknown(&desired, &registry, job) {
        tell(&format!("not in the policy, because its permissions are not known here: {what}"));
    }
    match size(&policy) {
        size if size > MANAGED_LIMIT => tell(&format!(
            "{size} characters without white space: too long for a managed policy ({MANAGED_LIMIT}); as inline policy of\n\
             a role, which may have {ROLE_INLINE_LIMIT}: aws iam put-role-policy"
        )),
        _ => {}
    }
    print(&format!("{policy:#}"))?;
    Ok(exit::OK)
}

//! What most commands start with: files read, credentials checked, AWS read.

use std::path::PathBuf;

use crate::aws::{Aws, Session};
use crate::commands::{Error, tell};
use crate::desired::{self, Desired};
use crate::environment::{self, Environment};
use crate::kind::Registry;
use crate::kinds::registry;
use crate::observe::{Looking, observe};
use crate::plan::{Observed, Plan};
use crate::units::Day;

/// Stands in for the account where a file names none and nobody is asked.
const SOME_ACCOUNT: &str = "000000000000";

/// An environment with a connection to its account.
pub struct Context {
    pub registry: Registry,
    pub desired: Desired,
    pub aws: Aws,
    /// Where the sources of packages are.
    pub directory: PathBuf,
    /// What to call the environment on the command line.
    pub name: String,
}

impl Context {
    /// Reads and checks an environment without asking AWS.
    pub fn offline(name: &str) -> Result<(Environment, Desired), Error> {
        let registry = registry();
        let file = environment::load::find(name)?;
        let environment = environment::load(&file, &registry)?;
        let account = environment.header.account.as_deref().unwrap_or(SOME_ACCOUNT);
        let mut desired = desired::desired(&environment, account, &registry)?;
        desired.let_expire(&Day::today());
        Ok((environment, desired))
    }

    /// Reads and checks an environment, then connects to its account.
    pub async fn open(name: &str) -> Result<Self, Error> {
        Ok(Self::open_with_files(name).await?.0)
    }

    /// Does what [`Context::open`] does, and keeps the files with their places.
    pub async fn open_with_files(name: &str) -> Result<(Self, Environment), Error> {
        let (environment, mut desired) = Self::offline(name)?;
        let registry = registry();
        let header = &environment.header;
        let session = Session::open(&header.region, header.assume_role.as_deref()).await?;
        match &header.account {
            Some(account) => check_account(&session, account)?,
            None => {
                desired = desired::desired(&environment, &session.account, &registry)?;
                desired.let_expire(&Day::today());
            }
        }
        let aws = session.connect(desired.world.clone());
        let directory = environment.directory.clone();
        Ok((Self { registry, desired, aws, directory, name: name.to_owned() }, environment))
    }

    /// Connects to the account of a saved plan.
    pub async fn of_plan(plan: &Plan, file: &str) -> Result<Self, Error> {
        let session = Session::open(&plan.region, plan.desired.assume_role.as_deref()).await?;
        check_account(&session, &plan.account)?;
        let aws = session.connect(plan.world().clone());
        let mut desired = plan.desired.clone();
        desired.let_expire(&Day::today());
        Ok(Self { registry: registry(), desired, aws, directory: PathBuf::from("."), name: file.to_owned() })
    }

    /// The same environment, asked for as it was once.
    pub fn going_back(&self, mut desired: Desired) -> Self {
        desired.let_expire(&Day::today());
        let (aws, directory, name) = (self.aws.clone(), self.directory.clone(), self.name.clone());
        Self { registry: registry(), desired, aws, directory, name }
    }

    pub async fn observe(&self, looking: Looking) -> Result<Observed, Error> {
        let observed = observe(&self.aws, &self.desired, &self.registry, looking).await;
        self.tell_throttles();
        Ok(observed?)
    }

    /// Says why it took longer than usual, if AWS slowed requests down.
    pub fn tell_throttles(&self) {
        match self.aws.throttled() {
            0 => {}
            1 => tell("AWS throttled a request; it was sent again, more slowly"),
            count => tell(&format!("AWS throttled {count} requests; they were sent again, more slowly")),
        }
    }
}

fn check_account(session: &Session, wanted: &str) -> Result<(), Error> {
    if session.account == wanted {
        return Ok(());
    }
    Err(Error::other(
        format!("these credentials are for account {}, but the environment belongs to {wanted}", session.account),
        format!("you are {}: set AWS_PROFILE to one of account {wanted}", session.caller),
    ))
}

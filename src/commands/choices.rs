//! What `plan`, `apply` and `rollback` are told besides the environment.

use std::path::PathBuf;

use clap::Args;

use super::{Error, policy};
use crate::address::Address;
use crate::finding::nearest;
use crate::plan::{Choices, Mode, Observed, Plan};

// clap knows each group of arguments by the name of its type.
#[derive(Args, Clone, Default)]
pub struct Options {
    /// Also delete what is owned but declared no more
    #[arg(long)]
    prune: bool,
    /// Keep to this address and what it needs; may be given more than once
    #[arg(long = "target", value_name = "ADDRESS")]
    targets: Vec<Address>,
    /// Try once more what went back when it was rolled out last
    #[arg(long)]
    retry: bool,
    /// A program that gets the plan as JSON on its standard input, and refuses it by failing
    #[arg(long, value_name = "PROGRAM")]
    policy: Option<PathBuf>,
}

impl Options {
    pub fn choices(&self) -> Choices {
        let mode = if self.prune { Mode::Prune } else { Mode::Apply };
        Choices { mode, retry: self.retry, targets: self.targets.clone() }
    }

    /// The same as it stands on a command line, with a space before each.
    pub fn text(&self) -> String {
        let mut words = vec![];
        words.extend(self.prune.then(|| "--prune".to_owned()));
        words.extend(self.targets.iter().map(|target| format!("--target {target}")));
        words.extend(self.retry.then(|| "--retry".to_owned()));
        words.extend(self.policy.iter().map(|program| format!("--policy {}", program.display())));
        words.into_iter().map(|word| format!(" {word}")).collect()
    }

    /// Refuses targets that name nothing: a plan kept to them would look as if all were well.
    pub fn check(&self, plan: &Plan, observed: &Observed) -> Result<(), Error> {
        let known: Vec<String> = plan.desired.resources.keys().chain(observed.orphans.keys()).map(Address::to_string).collect();
        let Some(unknown) = self.targets.iter().map(Address::to_string).find(|target| !known.contains(target)) else {
            return Ok(());
        };
        let near = nearest(&unknown, known.iter().map(String::as_str));
        let help = near.map_or_else(
            || "an address is a section and a name, such as functions.NAME".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        Err(Error::other(format!("--target {unknown}: there is no such resource"), help))
    }

    /// Asks the policy program, if there is one.
    pub async fn ask_policy(&self, plan: &Plan) -> Result<(), Error> {
        match &self.policy {
            Some(program) => policy::ask(program, plan).await,
            None => Ok(()),
        }
    }
}

//! Who applies, from where, and of which commit: what a lease and a record tell others.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::aws::Aws;

/// Whoever runs a command that changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The ARN that AWS knows the caller by.
    pub caller: String,
    /// The machine that the command runs on.
    pub host: String,
    /// The address of the CI job, if one runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The commit that the files are of; `+` behind it if they were changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

impl Author {
    /// Finds out who runs this command. `directory` is where the environment's files are.
    pub fn here(aws: &Aws, directory: &Path) -> Self {
        Self { caller: aws.caller.clone(), host: host(), job: job(), commit: commit(directory) }
    }

    /// In one line: who, and from where.
    pub fn text(&self) -> String {
        let name = self.caller.rsplit_once(':').map_or(self.caller.as_str(), |(_, name)| name);
        format!("{name} on {}", self.job.as_ref().unwrap_or(&self.host))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The name that this machine has.
pub fn host() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernel.or_else(|| output("hostname", &[], Path::new("."))).or_else(|| variable("HOSTNAME"));
    name.map_or_else(|| "an unknown machine".to_owned(), |name| name.trim().to_owned())
}

/// GitHub names the parts of a job's address, GitLab the whole, Jenkins too.
fn job() -> Option<String> {
    let github = || {
        let (server, repository) = (variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{}", variable("GITHUB_RUN_ID")?))
    };
    github().or_else(|| variable("CI_JOB_URL")).or_else(|| variable("BUILD_URL"))
}

fn commit(directory: &Path) -> Option<String> {
    let git = |arguments: &[&str]| output("git", arguments, directory);
    let head = git(&["rev-parse", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.trim().is_empty());
    Some(format!("{}{}", head.trim(), if changed { "+" } else { "" }))
}

/// What a program prints, if it is there and succeeds.
fn output(program: &str, arguments: &[&str], directory: &Path) -> Option<String> {
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let output = Command::new(program).args(arguments).current_dir(directory).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

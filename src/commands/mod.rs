//! The commands: wiring between the parts, one file each, and their exit codes.

mod accept;
mod adopt;
mod apply;
mod applying;
mod build;
mod choices;
mod compare;
mod context;
mod drift;
mod evaluate;
mod executions;
mod explain;
mod history;
mod lease;
mod permissions;
mod plan;
mod policy;
mod promote;
mod rollback;
mod run;
mod saved;
mod signals;
mod stage;
mod status;
mod train;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::aws::AwsError;
use crate::environment::{Diagnostics, schema};
use crate::kinds::registry;
use context::Context;

/// Keeps an AWS machine-learning workload exactly as its YAML says.
#[derive(Parser)]
#[command(name = "scones", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check an environment's files without asking AWS
    Validate {
        #[command(flatten)]
        environment: EnvironmentName,
    },
    /// Build the packages of the functions
    Build {
        #[command(flatten)]
        environment: EnvironmentName,
    },
    /// Show what apply would do; exits 2 if that is anything
    Plan(plan::Arguments),
    /// Make AWS match the files, or carry out a saved plan
    Apply(apply::Arguments),
    /// Show what was applied, by whom, and how it went
    History(history::Arguments),
    /// Go back to what an earlier apply asked for
    Rollback(rollback::Arguments),
    /// Show who applies to an environment, or end the lease of an apply that died
    Lease(lease::Arguments),
    /// Show what changed behind our back; exits 2 if anything did
    Drift(drift::Arguments),
    /// Delete all that the environment owns
    Destroy(apply::DestroyArguments),
    /// Show how two environments differ, as their files say
    Compare(compare::Arguments),
    /// Pin in one environment what runs proven in another
    Promote(promote::Arguments),
    /// Take over a resource that exists
    Adopt(adopt::Arguments),
    /// Show how an environment is doing; exits 2 if something needs attention
    Status(status::Arguments),
    /// Print the IAM policy that a job needs, and nothing more
    Permissions(permissions::Arguments),
    /// Show one resource: its owner, its live and declared values, and why they differ
    Explain(explain::Arguments),
    /// Send pictures through the workflow, and show what comes out
    Run(run::Arguments),
    /// Measure the endpoint on the staged test pictures
    Evaluate(evaluate::Arguments),
    /// Make the pictures to train with out of their archive, and upload what changed
    Stage(stage::Arguments),
    /// Train a model with the training workflow
    Train(EnvironmentName),
    /// Print the JSON Schema of environment files
    Schema,
}

#[derive(clap::Args)]
pub struct EnvironmentName {
    /// A file, or a name for environments/NAME.yaml
    #[arg(value_name = "ENV")]
    environment: String,
}

/// How a result is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// Why a command ended early.
#[derive(Debug)]
pub enum Error {
    Files(Diagnostics),
    Aws(Box<AwsError>),
    /// Somebody else applies.
    Held {
        message: String,
        help: String,
    },
    Other {
        message: String,
        help: String,
    },
}

impl Error {
    fn other(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Other { message: message.into(), help: help.into() }
    }

    /// What went wrong, for a line that says already that something did.
    fn message(&self) -> String {
        match self {
            Self::Files(diagnostics) => diagnostics.render(false),
            Self::Aws(aws) => aws.to_string(),
            Self::Held { message, .. } | Self::Other { message, .. } => message.clone(),
        }
    }

    /// The exit code of a command that ended with it.
    pub fn code(&self) -> u8 {
        match self {
            Self::Held { .. } => exit::HELD,
            _ => exit::ERROR,
        }
    }
}

impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Files(diagnostics)
    }
}

impl From<crate::environment::Diagnostic> for Error {
    fn from(diagnostic: crate::environment::Diagnostic) -> Self {
        Self::Files(diagnostic.into())
    }
}

impl From<AwsError> for Error {
    fn from(error: AwsError) -> Self {
        Self::Aws(Box::new(error))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use crate::report::style::{REMOVED, paint};
        let error = paint(REMOVED, "error");
        let (message, help) = match self {
            Self::Files(diagnostics) => return f.write_str(&diagnostics.render(true)),
            Self::Aws(aws) => (aws.to_string(), aws.help().unwrap_or_default()),
            Self::Held { message, help } | Self::Other { message, help } => (message.clone(), help.clone()),
        };
        write!(f, "{error}: {message}")?;
        if help.is_empty() { Ok(()) } else { write!(f, "\n  {help}") }
    }
}

/// Exit codes, the same for all commands.
pub mod exit {
    pub const OK: u8 = 0;
    pub const ERROR: u8 = 1;
    /// There are changes, or drift.
    pub const CHANGES: u8 = 2;
    /// What was planned is not what would happen now.
    pub const STALE: u8 = 3;
    /// Somebody else applies to the environment.
    pub const HELD: u8 = 4;
    /// Done but for what is blocked.
    pub const BLOCKED: u8 = 5;
    pub const INTERRUPTED: u8 = 130;
    pub const TERMINATED: u8 = 143;
}

/// Runs a command to its exit code.
///
/// # Errors
/// Whatever ended it early; the exit code is then 1.
pub async fn run(cli: Cli) -> Result<u8, Error> {
    match cli.command {
        Command::Validate { environment } => validate(&environment.environment),
        Command::Build { environment } => build::run(&environment.environment).await,
        Command::Plan(arguments) => plan::run(arguments).await,
        Command::Apply(arguments) => apply::run(arguments).await,
        Command::History(arguments) => history::run(arguments).await,
        Command::Rollback(arguments) => rollback::run(arguments).await,
        Command::Lease(arguments) => lease::run(arguments).await,
        Command::Drift(arguments) => drift::run(arguments).await,
        Command::Destroy(arguments) => apply::destroy(arguments).await,
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Promote(arguments) => promote::run(arguments).await,
        Command::Adopt(arguments) => adopt::run(arguments).await,
        Command::Status(arguments) => status::run(arguments).await,
        Command::Permissions(arguments) => permissions::run(arguments).await,
        Command::Explain(arguments) => explain::run(arguments).await,
        Command::Run(arguments) => run::run(arguments).await,
        Command::Evaluate(arguments) => evaluate::run(arguments).await,
        Command::Stage(arguments) => stage::run(arguments).await,
        Command::Train(environment) => train::run(environment).await,
        Command::Schema => {
            print(&format!("{:#}", schema::editor_schema(&registry())))?;
            Ok(exit::OK)
        }
    }
}

fn validate(name: &str) -> Result<u8, Error> {
    let (_, desired) = Context::offline(name)?;
    let count = desired.resources.len();
    let blocked = desired.resources.values().filter(|resource| resource.blocked.is_some()).count();
    let suffix = if blocked > 0 { format!(", {blocked} of them blocked until a pin is set") } else { String::new() };
    print(&format!("{name} is valid: {count} resources{suffix}"))?;
    Ok(exit::OK)
}

/// Writes a result to standard output.
///
/// A reader that closed its end, such as `head`, is no error of ours: the rest is simply not wanted.
fn print(text: &str) -> Result<(), Error> {
    use std::io::Write as _;
    match writeln!(anstream::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::other(format!("cannot write to standard output: {error}"), ""))
        }
        _ => Ok(()),
    }
}

/// A bar for long work on a terminal; nothing elsewhere.
fn bar(length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    // A template of our own always parses; without it the default style still counts.
    if let Ok(style) = ProgressStyle::with_template("  {wide_bar} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Writes a line to standard error: what is not a result.
fn tell(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// Writes a file whole or not at all; one that it replaces keeps its permissions.
fn write_file(path: &PathBuf, text: &str) -> Result<(), Error> {
    let mut temporary = path.clone().into_os_string();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let fail = |error: std::io::Error| Error::other(format!("cannot write {}: {error}", path.display()), "");
    std::fs::write(&temporary, text).map_err(fail)?;
    let kept = std::fs::metadata(path).map_or(Ok(()), |about| std::fs::set_permissions(&temporary, about.permissions()));
    kept.and_then(|()| std::fs::rename(&temporary, path)).map_err(|error| {
        let _ = std::fs::remove_file(&temporary);
        fail(error)
    })
}

//! `scones compare`: how two environments differ, as their files say.

use clap::Args;

use super::{Error, Format, exit, print};
use crate::compare::{Comparison, compare};
use crate::environment::{self, Environment};
use crate::kind::Registry;
use crate::kinds::registry;
use crate::report;

#[derive(Args)]
pub struct Arguments {
    /// A file, or a name for environments/NAME.yaml
    from: String,
    /// The other one
    to: String,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Asks nobody: what is live says nothing here.
pub fn run(arguments: &Arguments) -> Result<u8, Error> {
    let registry = registry();
    let comparison = of(&load(&arguments.from, &registry)?, &load(&arguments.to, &registry)?, &registry)?;
    match arguments.format {
        Format::Text => print(&report::compare::text(&comparison))?,
        Format::Json => print(&json(&comparison)?)?,
    }
    Ok(exit::OK)
}

fn load(name: &str, registry: &Registry) -> Result<Environment, Error> {
    Ok(environment::load(&environment::load::find(name)?, registry)?)
}

/// Compares two environments of one application.
pub fn of(from: &Environment, to: &Environment, registry: &Registry) -> Result<Comparison, Error> {
    one_app(from, to)?;
    Ok(compare(from, to, registry)?)
}

/// Refuses environments that have nothing to do with each other.
pub fn one_app(from: &Environment, to: &Environment) -> Result<(), Error> {
    let (left, right) = (&from.header, &to.header);
    if left.app != right.app {
        let message =
            format!("{} is an environment of {}, and {} of {}", left.environment, left.app, right.environment, right.app);
        return Err(Error::other(message, "both must be of one application: `app:` in their files"));
    }
    Ok(())
}

fn json(comparison: &Comparison) -> Result<String, Error> {
    serde_json::to_string_pretty(comparison).map_err(|error| Error::other(format!("this cannot be written as JSON: {error}"), ""))
}

//! Saved plans: reading them, and telling what moved since they were made.

use std::path::Path;

use super::Error;
use crate::plan::Plan;

/// The largest saved plan that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// Whether a file starts as saved plans do; their names are free.
pub fn is_saved_plan(path: &Path) -> bool {
    use std::io::Read as _;
    let mut start = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(64).read_to_string(&mut start));
    let json = path.extension().is_some_and(|extension| extension == "json");
    path.is_file() && (json || (read.is_ok() && start.trim_start().starts_with("{") && start.contains("\"format\"")))
}

/// Reads a plan, and refuses one that was changed after it was saved.
pub fn read(path: &Path) -> Result<Plan, Error> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| Error::other(format!("cannot read {shown}: {error}"), "");
    if std::fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
        return Err(Error::other(format!("{shown} is too large for a plan"), ""));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let help = "make one with `scones plan ENV --out FILE`";
    let plan: Plan =
        serde_json::from_str(&text).map_err(|error| Error::other(format!("{shown} is no saved plan: {error}"), help))?;
    if plan.format != 1 || plan.digest != plan.computed_digest() {
        return Err(Error::other(
            format!("{shown} was changed after it was saved, or comes from another version of scones"),
            help,
        ));
    }
    Ok(plan)
}

//! What could not be looked at: never passed over in silence.

use std::fmt::Write as _;

use super::style::{FAINT, REMOVED, STRONG, paint};
use crate::kind::Unchecked;
use crate::plan::Plan;

/// Lists the parts of resources that could not be looked at, each with its reason; empty if there are none.
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    if plan.unchecked.is_empty() {
        return out;
    }
    let _ = writeln!(out, "\n{}", paint(STRONG, "not looked at"));
    for (address, parts) in &plan.unchecked {
        let _ = writeln!(out, "  {address}");
        for Unchecked { part, why, failed } in parts {
            let sign = if *failed { paint(REMOVED, "!") } else { paint(FAINT, "?") };
            let part = if part.is_empty() { String::new() } else { format!("{part}: ") };
            let _ = writeln!(out, "    {sign} {part}{why}");
        }
    }
    out
}

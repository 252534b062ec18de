//! What a promotion is judged by, as text within a terminal's width.

use super::plain::{one_line, wrapped};
use super::style::{ADDED, FAINT, REMOVED, STRONG, paint};
use crate::promote::Reason;
use crate::promote::evidence::Proof;

/// What a terminal has at least.
const WIDTH: usize = 80;

/// Renders each demand with what holds or is missing.
pub fn evidence(proofs: &[Proof]) -> Vec<String> {
    let mut out = vec![paint(STRONG, "evidence")];
    for proof in proofs {
        let sign = if proof.held { paint(ADDED, "✓") } else { paint(REMOVED, "✗") };
        out.push(format!("  {sign} {}", proof.demand));
        for found in &proof.found {
            let lines = wrapped(&one_line(found), WIDTH - 6);
            out.extend(
                lines.into_iter().map(|line| if proof.held { paint(FAINT, line) } else { line }).map(|line| indented(&line)),
            );
        }
        for help in &proof.help {
            out.extend(wrapped(&format!("→ {help}"), WIDTH - 6).iter().map(|line| indented(line)));
        }
    }
    out
}

fn indented(line: &str) -> String {
    format!("      {line}")
}

/// Renders why single resources are not pinned.
pub fn reasons(heading: &str, reasons: &[Reason]) -> Vec<String> {
    if reasons.is_empty() {
        return vec![];
    }
    let mut out = vec![String::new(), paint(STRONG, heading)];
    for reason in reasons {
        out.push(format!("  {}", reason.address));
        out.extend(wrapped(&one_line(&reason.why), WIDTH - 6).iter().map(|line| indented(line)));
    }
    out
}

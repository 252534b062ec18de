//! `scones drift ENV --accept`: live values become what the environment's file says.

use std::sync::Arc;

use similar::TextDiff;

use super::{Context, Error, exit, print, write_file};
use crate::accept::{self, Accepted, Edit, Refused, Sources, Wanted, changes};
use crate::diff::join;
use crate::environment::source::{self, Source};
use crate::environment::yaml::{self, Tags};
use crate::environment::{self, Environment, Node, edit};
use crate::observe::Looking;
use crate::plan::{Mode, drift_of, plan};
use crate::report::lines::scalar;
use crate::report::plain::one_line;
use crate::report::style::{ADDED, FAINT, REMOVED, STRONG, paint};
use crate::{desired, kind::Registry};

/// Accepts all that is wanted, or nothing.
pub async fn run(name: &str, wanted: &[Wanted]) -> Result<u8, Error> {
    let (context, files) = Context::open_with_files(name).await?;
    let observed = context.observe(Looking::Closely).await?;
    let before = plan(&context.desired, &observed, &context.registry, Mode::Apply);
    if !before.is_complete() {
        let why = before.unread().map(|(what, unread)| format!("{what}: {}", unread.why)).collect::<Vec<_>>().join("\n  ");
        return Err(Error::other(format!("nothing was written: not all could be read\n  {why}"), ""));
    }
    let drift = drift_of(before.clone(), &observed);
    let old = source::read(&files.file, None)?;
    let own = yaml::parse(&old, Tags::Refused)?;
    let inherited = environment::load::inherited(&old)?;
    let sources = Sources {
        environment: &files,
        own: &own,
        inherited: inherited.as_ref(),
        drift: &drift,
        observed: &observed,
        registry: &context.registry,
    };
    let mut accepted = edits(wanted, &sources)?;
    let new = rewritten(&old, &accepted.edits)?;
    let (edited, desired) = made_of(&new, &before.account, &context.registry)?;
    let after = plan(&desired, &observed, &context.registry, Mode::Apply);
    accept::check(&before, &after, &accepted.edits).map_err(|wrong| refusal("the files cannot say what is live", &wrong))?;
    // What followed from a value that is accepted is right by now.
    let differs = |path: &str| changes(&after).any(|(address, change)| format!("{address}:{}", change.path) == path);
    accepted.left.retain(|(path, _)| differs(path));
    write_file(&files.file.canonicalize().unwrap_or_else(|_| files.file.clone()), &new.text)?;
    print(&report(&old, &new, &accepted, &edited.root, &context.name))?;
    Ok(exit::OK)
}

fn edits(wanted: &[Wanted], sources: &Sources<'_>) -> Result<Accepted, Error> {
    let mut all = Accepted::default();
    for one in wanted {
        let found =
            accept::edits(one, sources).map_err(|wrong| refusal(&format!("{} cannot be accepted", one.address), &wrong))?;
        let left = found.left.into_iter().map(|(path, why)| (format!("{}:{path}", one.address), why));
        all.left.extend(left);
        for edit in found.edits {
            // One tag is every resource's.
            if !all.edits.iter().any(|known| known.keys == edit.keys) {
                all.edits.push(edit);
            }
        }
    }
    Ok(all)
}

/// How many reasons are told at once.
const MOST_TOLD: usize = 10;

fn refusal(message: &str, wrong: &[Refused]) -> Error {
    let line = |refused: &Refused| match refused.path.as_str() {
        "" => refused.why.clone(),
        path => format!("{path}: {}", refused.why),
    };
    let mut help: Vec<String> = wrong.iter().take(MOST_TOLD).map(line).collect();
    if wrong.len() > MOST_TOLD {
        help.push(format!("and {} more", wrong.len() - MOST_TOLD));
    }
    help.push("No file was changed.".to_owned());
    Error::other(message, help.join("\n  "))
}

fn rewritten(old: &Arc<Source>, edits: &[Edit]) -> Result<Arc<Source>, Error> {
    let mut now = old.clone();
    for one in edits {
        let text = match &one.value {
            Some(value) => edit::set(&now, &one.keys, value),
            None => edit::remove(&now, &one.keys),
        };
        now = edit::source(&old.path, text?);
    }
    Ok(now)
}

/// What the edited text asks for; a fault in it is the live value's, which no file may say.
fn made_of(own: &Arc<Source>, account: &str, registry: &Registry) -> Result<(Environment, desired::Desired), Error> {
    let made = environment::load::load_text(own, registry)
        .and_then(|files| desired::desired(&files, account, registry).map(|desired| (files, desired)));
    made.map_err(|faults| {
        let why = faults.0.iter().map(|fault| Refused { path: String::new(), why: fault.to_string() }).collect::<Vec<_>>();
        refusal("the live value is none that a file may say", &why)
    })
}

/// How long a path with both its values may be to be told on one line, in characters.
const LONGEST_CHANGE: usize = 50;

fn report(old: &Source, new: &Source, accepted: &Accepted, root: &Node, environment: &str) -> String {
    let mut out = difference(old, new);
    out.push(String::new());
    for edit in &accepted.edits {
        let side =
            |value: &Option<serde_json::Value>| value.as_ref().map_or("nothing".to_owned(), |value| one_line(&scalar(value)));
        let (from, to, path) = (side(&edit.declared), side(&edit.live), join(&edit.path));
        // What is longer shows in the difference.
        let short = [&from, &to, &path].iter().map(|text| text.chars().count()).sum::<usize>() <= LONGEST_CHANGE;
        let change = if short { format!(": {} → {}", paint(REMOVED, from), paint(ADDED, to)) } else { String::new() };
        out.push(format!("{} {path}{change}", paint(STRONG, &edit.address)));
        let place = root.nearest_span(&edit.keys).location();
        out.push(paint(FAINT, format!("  written to {place}")));
        out.extend(edit.overrides.iter().map(|base| paint(FAINT, format!("  which overrides {base}"))));
        out.extend(edit.in_place_of.iter().map(|text| paint(FAINT, format!("  in place of the reference {text}"))));
    }
    for (path, why) in &accepted.left {
        out.extend([format!("left: {path}"), paint(FAINT, format!("  {why}"))]);
    }
    if !accepted.left.is_empty() {
        out.push(format!("To go on: scones apply {environment}"));
    }
    out.join("\n")
}

/// What changes in a file, with two lines around it.
pub fn difference(old: &Source, new: &Source) -> Vec<String> {
    let path = old.path.display().to_string();
    let diff = TextDiff::from_lines(&old.text, &new.text);
    let shown = diff.unified_diff().context_radius(2).header(&path, &path).to_string();
    shown.lines().map(painted).collect()
}

fn painted(line: &str) -> String {
    match line.chars().next() {
        Some('+') if !line.starts_with("+++") => paint(ADDED, line),
        Some('-') if !line.starts_with("---") => paint(REMOVED, line),
        _ => line.to_owned(),
    }
}

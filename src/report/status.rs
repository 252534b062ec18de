//! How an environment is doing, on one page.

use super::plain::one_line;
use super::style::{ADDED, CHANGED, FAINT, HOLE, REMOVED, STRONG, paint};
use crate::diff::Cause;
use crate::health::{Alarm, AlarmState, Code, Health, Monitor, Verdict, Workflow, stability};
use crate::plan::{Action, Plan, Step};
use crate::release::{Release, Served};

/// The width of the first column: the longest heading and a space.
const COLUMN: usize = 15;
/// How much of an alarm's reason is shown, in characters.
const REASON: usize = 70;

/// Renders the page; the verdict comes last.
pub fn text(plan: &Plan, health: &Health, release: &Release, verdict: &Verdict) -> String {
    let world = plan.world();
    let mut out = vec![
        paint(STRONG, format!("{} / {}", world.app, world.environment)),
        paint(FAINT, format!("account {}, {}", world.account, world.region)),
        String::new(),
    ];
    self::release(&mut out, release);
    configuration(&mut out, plan);
    alarms(&mut out, &health.alarms);
    health.monitors.iter().for_each(|monitor| self::monitor(&mut out, monitor));
    health.workflows.iter().for_each(|workflow| self::workflow(&mut out, workflow));
    let of_health = health.unread.iter().map(|unread| (unread.what.clone(), unread));
    for (index, (what, unread)) in plan.unread().chain(of_health).enumerate() {
        row(&mut out, if index == 0 { "unknown" } else { "" }, &format!("{} {what}", paint(REMOVED, "?")));
        row(&mut out, "", &format!("  {}", one_line(&unread.why)));
    }
    out.push(String::new());
    out.push(judged(verdict));
    out.join("\n")
}

fn row(out: &mut Vec<String>, heading: &str, text: &str) {
    out.push(format!("{heading:COLUMN$}{text}"));
}

fn judged(verdict: &Verdict) -> String {
    match verdict.code {
        Code::Well => paint(ADDED, "All is well."),
        Code::Attention => format!("{}: {}.", paint(CHANGED, "Needs attention"), verdict.reasons.join(", ")),
        Code::Unknown => format!("{}: {}.", paint(REMOVED, "Unknown"), verdict.reasons.join(", ")),
    }
}

/// What runs: its short name, then versions, then what endpoints serve.
fn release(out: &mut Vec<String>, release: &Release) {
    let Some(name) = &release.name else { return };
    row(out, "release", &paint(STRONG, name));
    for one in &release.versions {
        row(out, "", &format!("  {} {}", one.address.name, paint(FAINT, version(one))));
    }
    for one in &release.endpoints {
        let models: Vec<&str> = one.models.iter().map(|model| short(model)).collect();
        let text = format!("configuration {}, model {}", short(&one.configuration), models.join(", "));
        row(out, "", &format!("  {} {}", one.address.name, paint(FAINT, text)));
    }
}

fn version(one: &Served) -> String {
    if !one.shares.is_empty() {
        let shares: Vec<String> = one.shares.iter().map(|(version, share)| format!("{version} ({share}%)")).collect();
        return format!("shifts: versions {}", shares.join(", "));
    }
    let digits = |package: &str| -> String { package.trim_start_matches("sha256:").chars().take(8).collect() };
    let package = one.package.as_deref().map(|package| format!(", package {}", digits(package))).unwrap_or_default();
    format!("version {}{package}", one.version)
}

/// The hash at the end of a name that is made of content.
fn short(name: &str) -> &str {
    name.rsplit('-').next().unwrap_or(name)
}

fn configuration(out: &mut Vec<String>, plan: &Plan) {
    let declared = plan.desired.resources.len();
    row(out, "configuration", &format!("{} of {declared} as declared", plan.summary.unchanged));
    for step in plan.steps.iter().filter(|step| step.action != Action::Collect) {
        let (sign, word) = how(step);
        row(out, "", &format!("{sign} {} {}", step.address, paint(FAINT, word)));
    }
    for conflict in &plan.conflicts {
        row(out, "", &format!("{} {} {}", paint(REMOVED, "!"), conflict.address, paint(FAINT, "not ours")));
    }
    for (address, orphan) in &plan.orphans {
        row(out, "", &format!("{} {address} {}", paint(HOLE, "?"), paint(FAINT, format!("orphan {}", orphan.name))));
    }
    for neighbour in &plan.neighbours {
        let text = format!("{} {} {}", paint(HOLE, "?"), neighbour.sort(), paint(FAINT, format!("unmanaged {}", neighbour.name)));
        row(out, "", &text);
    }
    for one in &plan.ignored {
        row(out, "", &format!("= {} {}", one.rule.place(), paint(FAINT, format!("ignored until {}", one.rule.until))));
    }
}

fn how(step: &Step) -> (String, String) {
    let reason = || step.reason.as_deref().map(|why| format!(": {}", one_line(why))).unwrap_or_default();
    let outside = step.changes.iter().any(|change| matches!(change.cause, Some(Cause::Drifted | Cause::Both)));
    match step.action {
        Action::Create => (paint(ADDED, "+"), "missing".to_owned()),
        Action::Blocked => (paint(HOLE, "?"), format!("blocked{}", reason())),
        Action::Wait => (paint(CHANGED, "…"), format!("busy{}", reason())),
        Action::Replace if step.changes.is_empty() => (paint(REMOVED, "±"), format!("failed{}", reason())),
        _ => {
            let fields: Vec<&str> = step.changes.iter().map(|change| change.field()).collect();
            let mut fields: Vec<&str> = fields.into_iter().filter(|field| !field.is_empty()).collect();
            fields.dedup();
            let word = if outside { "changed outside" } else { "differs" };
            (paint(CHANGED, "~"), format!("{word}: {}", fields.join(", ")))
        }
    }
}

fn alarms(out: &mut Vec<String>, alarms: &[Alarm]) {
    if alarms.is_empty() {
        return;
    }
    let count = |state: AlarmState| alarms.iter().filter(|alarm| alarm.state == state).count();
    let ringing: Vec<&Alarm> = alarms.iter().filter(|alarm| alarm.state == AlarmState::Alarm).collect();
    let rings = match ringing.len() {
        0 => "none rings".to_owned(),
        1 => paint(REMOVED, "1 rings"),
        count => paint(REMOVED, format!("{count} ring")),
    };
    row(
        out,
        "alarms",
        &format!("{rings}, {} quiet, {} with insufficient data", count(AlarmState::Ok), count(AlarmState::InsufficientData)),
    );
    for alarm in ringing {
        let since = alarm.since.as_deref().map(|since| format!("since {since}")).unwrap_or_default();
        row(out, "", &format!("{} {} {}", paint(REMOVED, "!"), alarm.address.name, paint(FAINT, since)));
        let reason: String = one_line(&alarm.reason).chars().take(REASON).collect();
        if !reason.is_empty() {
            out.push(format!("      {}", paint(FAINT, reason)));
        }
    }
    let silent = alarms.iter().filter(|alarm| !alarm.without_data.is_empty());
    for (index, alarm) in silent.enumerate() {
        if index == 0 {
            row(out, "", &paint(FAINT, "no data in two weeks; if there was traffic, check the metric:"));
        }
        row(out, "", &format!("  {} {}", alarm.address.name, paint(FAINT, alarm.without_data.join(", "))));
    }
}

fn monitor(out: &mut Vec<String>, monitor: &Monitor) {
    let at = monitor.at.as_deref().map_or_else(|| "no numbers yet".to_owned(), |at| format!("at {at}"));
    let ended = monitor.execution.as_deref().map(|ended| format!(": {ended}")).unwrap_or_default();
    row(out, "monitor", &format!("{} {}", monitor.address.name, paint(FAINT, format!("{at}{ended}"))));
    let shown = monitor.metrics.iter().map(|(name, value)| match name.as_str() {
        "Records" => format!("{value} records"),
        name if name.ends_with("PSI") => format!("{name} {value:.2} ({})", stability(*value)),
        name => format!("{name} {value:.2}"),
    });
    let shown: Vec<String> = shown.collect();
    if !shown.is_empty() {
        row(out, "", &format!("  {}", shown.join(", ")));
    }
}

fn workflow(out: &mut Vec<String>, workflow: &Workflow) {
    let name = &workflow.address.name;
    let Some(newest) = workflow.executions.first() else {
        row(out, "workflow", &format!("{name} {}", paint(FAINT, "never ran")));
        return;
    };
    let failed = workflow.executions.iter().filter(|one| one.failed()).count();
    let all = workflow.executions.len();
    let took = newest.seconds.map(|seconds| format!(" in {seconds:.1} s")).unwrap_or_default();
    let count = if failed == 0 { "none failed".to_owned() } else { paint(REMOVED, format!("{failed} failed")) };
    row(out, "workflow", &format!("{name} {}", paint(FAINT, format!("{} {}{took}", newest.status, newest.started))));
    row(out, "", &format!("  of the last {all}, {count}"));
}

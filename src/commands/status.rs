//! `scones status`: what runs, at a glance.

use super::{Context, Error, exit, print};
use crate::kind::Status;
use crate::observe::Looking;
use crate::plan::{Action, Mode, plan};
use crate::report::style::{ADDED, CHANGED, FAINT, HOLE, REMOVED, STRONG, paint};

pub async fn run(name: &str) -> Result<u8, Error> {
    let context = Context::open(name).await?;
    let observed = context.observe(Looking::Once).await?;
    let plan = plan(&context.desired, &observed, &context.registry, Mode::Apply);
    let world = &context.desired.world;
    let mut rows = vec![];
    for kind in context.registry.iter() {
        for (address, resource) in context.desired.resources.iter().filter(|(address, _)| address.section == kind.section()) {
            let live = observed.resources.get(address);
            let step = plan.steps.iter().find(|step| step.address == *address && step.action != Action::Collect);
            let conflict = plan.conflicts.iter().any(|conflict| conflict.address == *address);
            let state = match (live.map(|live| &live.status), step.map(|step| step.action)) {
                _ if conflict => paint(REMOVED, "not ours"),
                (_, Some(Action::Blocked)) => paint(HOLE, "blocked"),
                (None, _) => paint(FAINT, "absent"),
                (Some(Status::Failed(why)), _) => paint(REMOVED, format!("failed: {why}")),
                (Some(Status::InProgress(what)), _) => paint(CHANGED, format!("busy: {what}")),
                (Some(Status::Settled), Some(_)) => paint(CHANGED, "differs"),
                (Some(Status::Settled), None) => paint(ADDED, "as declared"),
            };
            rows.push((address.to_string(), live.map_or(resource.name.clone(), |live| live.name.clone()), state));
        }
    }
    let width =
        |column: fn(&(String, String, String)) -> &String| rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0);
    let (first, second) = (width(|row| &row.0), width(|row| &row.1));
    let mut out = vec![paint(STRONG, format!("{} / {} in {} {}", world.app, world.environment, world.account, world.region))];
    // Two columns fit into 80 characters where three would not; what differs matters more than the full name.
    let wide = first + second + 18 <= 110;
    for (address, name, state) in &rows {
        let name = if wide { format!("{}  ", paint(FAINT, format!("{name:second$}"))) } else { String::new() };
        out.push(format!("{address:first$}  {name}{state}"));
    }
    for (address, orphan) in &plan.orphans {
        out.push(format!("{address:first$}  {} {}", orphan.name, paint(HOLE, "orphan")));
    }
    print(&out.join("\n"))?;
    Ok(exit::OK)
}

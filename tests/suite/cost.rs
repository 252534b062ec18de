//! What a plan with nothing to change costs: requests, and round trips one after the other.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Project, Run, gateway, plant};

/// What the gateway counted of a command that finds nothing to do.
///
/// Every request takes a while, as on AWS, so that those sent at once are seen to overlap. A machine under load sends late
/// what could be sent at once, which looks like a longer chain: the shortest of three counts.
pub fn counted(name: &str, command: impl Fn() -> Command) -> Value {
    let rounds = (0..3).map(|round| {
        // The application's name in the user agent tells this run's requests from those of other tests.
        // A cloud that outlives one run of the tests has seen an earlier process.
        let client = format!("scones-{name}-{}-{round}", std::process::id());
        plant(&client, json!([{ "service": "*", "kind": "delay", "delay_ms": 60, "times": 10_000 }]));
        Run::from(command().env("AWS_SDK_UA_APP_ID", &client).output().unwrap()).expect(0);
        gateway(&format!("/__cloud__/cost?user_agent={client}"))
    });
    rounds.min_by_key(|cost| cost["chain"].as_u64().unwrap()).unwrap()
}

#[test]
fn a_quiet_plan_keeps_its_budget() {
    let project = Project::from_fixture("toy", "cost").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let cost = counted("cost", || project.command(&["plan", "toy"]));
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(0).json();
    let resources = plan["summary"]["unchanged"].as_u64().unwrap();
    let (requests, chain) = (cost["requests"].as_u64().unwrap(), cost["chain"].as_u64().unwrap());
    assert!(requests > 10, "the gateway saw {requests} requests");
    // Few resources share the requests that every plan sends, so this is harder than on a real environment.
    assert!(requests * 2 <= resources * 5 + 20, "{requests} requests for {resources} resources: {}", cost["by_operation"]);
    assert!(chain <= 5, "a chain of {chain}");
}

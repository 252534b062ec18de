//! A release is one unit: a workflow's version calls published versions of functions, its alias moves by weight under alarms,
//! and goes back by itself.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};

use crate::support::{Project, Run, actions, assert_no_violations, changes, sdk, wait};

const FILE: &str = "environments/toy.yaml";

fn states() -> aws_sdk_sfn::Client {
    aws_sdk_sfn::Client::new(sdk())
}

fn lambda() -> aws_sdk_lambda::Client {
    aws_sdk_lambda::Client::new(sdk())
}

fn deployed(app: &str) -> Project {
    let project = Project::from_fixture("release", app).destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    project
}

fn machine(app: &str) -> String {
    format!("arn:aws:states:us-east-1:123456789012:stateMachine:{app}-toy-flow")
}

fn function(app: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:{app}-toy-say")
}

/// Who serves what the alias of the workflow is asked for, in percent.
fn shares(app: &str) -> BTreeMap<String, i32> {
    let alias = wait(states().describe_state_machine_alias().state_machine_alias_arn(format!("{}:live", machine(app))).send());
    let routing = alias.unwrap().routing_configuration.unwrap_or_default();
    let number = |arn: &str| arn.rsplit(':').next().unwrap().to_owned();
    routing.into_iter().map(|one| (number(&one.state_machine_version_arn), one.weight)).collect()
}

fn all_to(version: &str) -> BTreeMap<String, i32> {
    [(version.to_owned(), 100)].into()
}

/// What a version of the workflow calls.
fn called(app: &str, version: &str) -> String {
    let found = wait(states().describe_state_machine().state_machine_arn(format!("{}:{version}", machine(app))).send()).unwrap();
    let definition: Value = serde_json::from_str(&found.definition).unwrap();
    definition["States"]["Call"]["Parameters"]["FunctionName"].as_str().unwrap().to_owned()
}

fn started(app: &str, seconds: u32) -> String {
    let request = states().start_execution().state_machine_arn(format!("{}:live", machine(app)));
    wait(request.input(json!({ "seconds": seconds }).to_string()).send()).unwrap().execution_arn
}

/// Waits until something is so.
#[track_caller]
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} never came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What an execution came to.
fn word(execution: &str) -> String {
    let ended = until("the end of the execution", || {
        let found = wait(states().describe_execution().execution_arn(execution).send()).unwrap();
        (found.status != ExecutionStatus::Running).then_some(found)
    });
    let output: Value = serde_json::from_str(ended.output.as_deref().unwrap_or_else(|| panic!("{ended:?}"))).unwrap();
    output["word"].as_str().unwrap().to_owned()
}

fn ring(app: &str, state: StateValue) {
    let client = aws_sdk_cloudwatch::Client::new(sdk());
    let request = client.set_alarm_state().alarm_name(format!("{app}-toy-broken")).state_value(state);
    wait(request.state_reason("seven of seven pictures were refused").send()).unwrap();
}

/// Lets a part of the environment be shifted.
fn with_rollout(project: &Project, part: &str, rollout: &str) {
    let role = match part {
        "functions" => "    handler: main.handler\n    role: run\n",
        _ => "    definition: stacks/flow.asl.yaml\n    role: run\n",
    };
    project.edit(FILE, role, &format!("{role}    rollout: {rollout}\n"));
}

fn says(project: &Project, from: &str, to: &str) {
    project.edit("app/main.py", &format!("\"{from}\""), &format!("\"{to}\""));
}

/// An apply that runs on.
fn applying(project: &Project) -> Child {
    let mut command = project.command(&["apply", "toy", "--yes"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(child: Child) -> Run {
    child.wait_with_output().unwrap().into()
}

fn blocked(project: &Project) -> String {
    let plan = project.scones(&["plan", "toy", "--format", "json"]).json();
    let steps = plan["steps"].as_array().unwrap();
    let reason = |step: &Value| (step["action"] == "blocked").then(|| step["reason"].as_str().unwrap().to_owned());
    steps.iter().find_map(reason).unwrap_or_default()
}

#[test]
fn one_apply_publishes_what_belongs_together() {
    let app = "release-unit";
    let project = deployed(app);
    assert_eq!((shares(app), called(app, "1")), (all_to("1"), format!("{}:1", function(app))));
    let begun = started(app, 8);

    says(&project, "one", "two");
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    let both = ["functions.say", "state_machines.flow"].map(|address| (address.to_owned(), "update".to_owned()));
    assert_eq!(actions(&plan), both);
    let flow = &plan["steps"][1];
    assert_eq!(flow["needs"], json!(["functions.say"]));
    assert_eq!(flow["changes"][0]["from"], format!("{}:1", function(app)));
    assert_eq!(flow["changes"][0]["to"], "${functions.say.version_arn}");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!((shares(app), called(app, "2")), (all_to("2"), format!("{}:2", function(app))));

    // What was begun keeps what it began with, all of it.
    assert_eq!(word(&started(app, 0)), "two");
    assert_eq!(word(&begun), "one");

    // What no version keeps moves nothing else; nor does what somebody changed and apply changes back.
    project.edit(FILE, "    handler: main.handler\n", "    handler: main.handler\n    log_retention: 7\n");
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(actions(&plan), both[..1]);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    wait(lambda().update_function_configuration().function_name(function(app)).memory_size(512).send()).unwrap();
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(actions(&plan), both[..1]);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!((shares(app), called(app, "2")), (all_to("2"), format!("{}:2", function(app))));
    assert_no_violations();
}

#[test]
fn what_kept_versions_call_is_kept() {
    let app = "release-kept";
    let project = deployed(app);
    let mut last = "one".to_owned();
    for number in 2..8 {
        let next = format!("word {number}");
        says(&project, &last, &next);
        // Versions that the workflow never gets to call: with them those that it does call are older than what is kept anyway.
        project.edit("app/main.py", "def handler", "# again\ndef handler");
        for hand in ["left", "right"] {
            let text = format!("def handler(event, context):\n    return {{\"by\": \"{hand} hand {number}\"}}\n");
            wait(publish_by_hand(&function(app), &text));
        }
        project.scones(&["apply", "toy", "--yes"]).expect(0);
        project.scones(&["plan", "toy"]).expect(0);
        last = next;
    }
    let listed = wait(states().list_state_machine_versions().state_machine_arn(machine(app)).send()).unwrap();
    let versions: Vec<String> = listed.state_machine_versions.into_iter().map(|one| one.state_machine_version_arn).collect();
    assert_eq!(versions.len(), 3, "{versions:?}");
    let listed = wait(lambda().list_versions_by_function().function_name(function(app)).send()).unwrap();
    let functions: Vec<String> = listed.versions.unwrap_or_default().into_iter().filter_map(|one| one.function_arn).collect();
    for version in versions {
        let called = called(app, version.rsplit(':').next().unwrap());
        assert!(functions.contains(&called), "{version} calls {called}, which is gone: {functions:?}");
    }
    // $LATEST, the one served, and no more than three or what is called.
    assert!(functions.len() <= 6, "{functions:?}");
    assert_no_violations();
}

/// Uploads code, publishes it and puts the old code back.
async fn publish_by_hand(function: &str, text: &str) {
    let latest = async || {
        loop {
            let found = lambda().get_function_configuration().function_name(function).send().await.unwrap();
            if found.last_update_status != Some(aws_sdk_lambda::types::LastUpdateStatus::InProgress) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found = lambda().get_function().function_name(function).send().await.unwrap();
    let package = found.tags.unwrap_or_default().remove(scones::desired::tag::PACKAGE).unwrap_or_default();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    zip.start_file("main.py", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, text.as_bytes()).unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    lambda().update_function_code().function_name(function).zip_file(bytes.into()).send().await.unwrap();
    latest().await;
    lambda().publish_version().function_name(function).send().await.unwrap();
    let upload = lambda().update_function_code().function_name(function).s3_bucket("scones-123456789012-us-east-1");
    upload.s3_key(scones::aws::bootstrap::package_key(&package)).send().await.unwrap();
    latest().await;
}

#[test]
fn a_workflow_shifts_by_weight() {
    let app = "release-canary";
    let project = deployed(app);
    with_rollout(&project, "state_machines", "{ canary: 20%, bake: 4s, roll_back_on: [broken] }");
    // How it gets there is nothing that could differ.
    project.scones(&["plan", "toy"]).expect(0);
    says(&project, "one", "two");
    let child = applying(&project);
    let mixed: BTreeMap<String, i32> = [("1".to_owned(), 80), ("2".to_owned(), 20)].into();
    until("the canary", || (shares(app) == mixed).then_some(()));
    ended(child).expect(0);
    assert_eq!(shares(app), all_to("2"));
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!(word(&started(app, 0)), "two");
    assert_no_violations();
}

#[test]
fn an_alarm_leads_back_and_it_is_not_tried_again() {
    let app = "release-back";
    let project = deployed(app);
    with_rollout(&project, "state_machines", "{ canary: 20%, bake: 5s, roll_back_on: [broken] }");
    says(&project, "one", "two");
    let child = applying(&project);
    until("the canary", || (shares(app).len() == 2).then_some(()));
    ring(app, StateValue::Alarm);
    let run = ended(child).expect(1);
    for told in ["state_machines.flow", "release-back-toy-broken rings: seven of seven", "back on version 1"] {
        assert!(run.stderr.contains(told), "{told}: {}", run.stderr);
    }
    assert_eq!((shares(app), word(&started(app, 0))), (all_to("1"), "one".to_owned()));
    ring(app, StateValue::Ok);

    let reason = blocked(&project);
    assert!(reason.contains("release-back-toy-broken rings") && reason.contains("--retry"), "{reason}");
    project.scones(&["apply", "toy", "--yes"]).expect(5);
    assert_eq!(shares(app), all_to("1"));
    // Asked to, it tries once more, with the version that was published then.
    project.scones(&["apply", "toy", "--yes", "--retry"]).expect(0);
    assert_eq!((shares(app), word(&started(app, 0))), (all_to("2"), "two".to_owned()));
    project.scones(&["plan", "toy"]).expect(0);
    assert_no_violations();
}

#[test]
fn killed_in_mid_shift_the_next_apply_finishes_it() {
    let app = "release-killed";
    let project = deployed(app);
    with_rollout(&project, "state_machines", "{ linear: 40%, bake: 1m, roll_back_on: [broken] }");
    says(&project, "one", "two");
    let mut child = applying(&project);
    until("the first step", || (shares(app).get("2") == Some(&40)).then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(actions(&plan), [("state_machines.flow".to_owned(), "update".to_owned())]);
    let paths: Vec<String> = changes(&plan).into_iter().map(|(_, path)| path).collect();
    assert!(paths.iter().all(|path| path.starts_with("alias.")) && !paths.is_empty(), "{paths:?}");
    project.edit(FILE, "bake: 1m", "bake: 1s");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(shares(app), all_to("2"));
    project.scones(&["plan", "toy"]).expect(0);
    assert_no_violations();
}

#[test]
fn killed_in_mid_shift_and_broken_the_next_apply_undoes_it() {
    let app = "release-undone";
    let project = deployed(app);
    with_rollout(&project, "state_machines", "{ canary: 40%, bake: 1m, roll_back_on: [broken] }");
    says(&project, "one", "two");
    let mut child = applying(&project);
    until("the canary", || (shares(app).len() == 2).then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    ring(app, StateValue::Alarm);
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("release-undone-toy-broken rings"), "{}", run.stderr);
    assert_eq!(shares(app), all_to("1"));
    assert!(blocked(&project).contains("rings"), "{}", blocked(&project));
    // The newest of what was wanted meanwhile is what it goes to.
    ring(app, StateValue::Ok);
    project.edit(FILE, "bake: 1m", "bake: 1s");
    says(&project, "two", "three");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(word(&started(app, 0)), "three");
    assert_no_violations();
}

/// The version of the function that its alias points to, and the shares of others.
fn served(app: &str) -> (String, BTreeMap<String, f64>) {
    let alias = wait(lambda().get_alias().function_name(function(app)).name("live").send()).unwrap();
    let weights = alias.routing_config.and_then(|routing| routing.additional_version_weights).unwrap_or_default();
    (alias.function_version.unwrap_or_default(), weights.into_iter().collect())
}

#[test]
fn a_function_shifts_by_its_own_alias() {
    let app = "release-function";
    let project = deployed(app);
    with_rollout(&project, "functions", "{ canary: 10%, bake: 1m, roll_back_on: [broken] }");
    says(&project, "one", "two");
    let mixed = ("1".to_owned(), BTreeMap::from([("2".to_owned(), 0.1)]));
    let child = applying(&project);
    until("the canary", || (served(app) == mixed).then_some(()));
    ring(app, StateValue::Alarm);
    let run = ended(child).expect(1);
    assert!(run.stderr.contains("release-function-toy-broken rings: seven of seven"), "{}", run.stderr);
    // The workflow waits for what its function did not become.
    assert_eq!((served(app), shares(app)), (("1".to_owned(), BTreeMap::new()), all_to("1")));
    assert!(blocked(&project).contains("rings"), "{}", blocked(&project));
    ring(app, StateValue::Ok);

    says(&project, "two", "three");
    let mut child = applying(&project);
    let mixed = ("1".to_owned(), BTreeMap::from([("3".to_owned(), 0.1)]));
    until("the canary", || (served(app) == mixed).then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    project.edit(FILE, "bake: 1m", "bake: 1s");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(served(app), ("3".to_owned(), BTreeMap::new()));
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!(word(&started(app, 0)), "three");
    assert_no_violations();
}

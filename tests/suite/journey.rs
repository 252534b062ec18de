//! Scones Unlimited itself, as shipped, on the local cloud: deployed, classifying pictures, interrupted, destroyed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::Value;

use crate::permissions;
use crate::support::{Run, assert_no_violations, cloud, repository, sdk, wait};

const BUCKET: &str = "scones-unlimited-local-data-123456789012-us-east-1";
const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:scones-unlimited-local-classify";

/// There is one environment `local`, so these tests take turns.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scones"));
    command.args(arguments).current_dir(repository()).env("NO_COLOR", "1").envs(cloud());
    command.env("AWS_SDK_UA_APP_ID", client(arguments[0]));
    command
}

/// What a command of this journey is called in the gateway's books.
fn client(command: &str) -> String {
    permissions::client(&format!("journey-{command}"))
}

fn scones(arguments: &[&str]) -> Run {
    command(arguments).output().unwrap().into()
}

fn s3() -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(sdk()).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

fn pictures() -> PathBuf {
    std::env::var_os("SCONES_TEST_CLOUD").map_or_else(|| repository().join("target/cloud"), PathBuf::from).join("pictures")
}

/// Sends a picture through the workflow; returns how it ended and what came of it.
fn classify(picture: &str) -> (ExecutionStatus, Value) {
    wait(async {
        let bytes = std::fs::read(pictures().join(picture)).unwrap();
        let key = format!("test/{picture}");
        s3().put_object().bucket(BUCKET).key(&key).body(ByteStream::from(bytes)).send().await.unwrap();
        run_workflow(&key).await
    })
}

async fn run_workflow(key: &str) -> (ExecutionStatus, Value) {
    let client = aws_sdk_sfn::Client::new(sdk());
    let input = serde_json::json!({ "image_data": "", "s3_bucket": BUCKET, "s3_key": key }).to_string();
    let started = client.start_execution().state_machine_arn(MACHINE).input(input).send().await.unwrap();
    let begun = Instant::now();
    loop {
        let execution = client.describe_execution().execution_arn(&started.execution_arn).send().await.unwrap();
        if execution.status != ExecutionStatus::Running {
            let output = execution.output.and_then(|text| serde_json::from_str(&text).ok());
            let error = serde_json::json!({ "error": execution.error, "cause": execution.cause });
            return (execution.status, output.unwrap_or(error));
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "the execution does not end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn scones_unlimited_works() {
    let _turn = turn();
    scones(&["apply", "local", "--yes"]).expect(0);
    for _ in 0..10 {
        scones(&["plan", "local"]).expect(0);
    }
    for picture in ["bicycle-1.png", "motorcycle-1.png", "large-bicycle.png"] {
        let (status, output) = classify(picture);
        assert_eq!(status, ExecutionStatus::Succeeded, "{picture}: {output}");
        let label = picture.trim_start_matches("large-").split(['-', '.']).next().unwrap();
        assert_eq!(output["label"], label, "{picture}: {output}");
        assert!(output["confidence"].as_f64().unwrap() >= 0.93, "{output}");
    }
    let (status, output) = classify("noise.png");
    assert_eq!(status, ExecutionStatus::Succeeded, "below the threshold is no failure: {output}");
    assert!(output.to_string().contains("below_threshold"), "{output}");
    let (status, output) = wait(run_workflow("test/nowhere.png"));
    // AWS tells it in `error`, the emulator in the output.
    assert!(status == ExecutionStatus::Failed && output.to_string().contains("ImageNotFound"), "{status}: {output}");
    captured();
    scones(&["status", "local"]).expect(0);
    scones(&["plan", "local"]).expect(0);
    budget();
    leaves_nothing();
    permitted();
    assert_no_violations();
}

/// What `status` takes besides a plan's permissions, as docs/permissions.md says.
const HEALTH: [&str; 3] = ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "states:ListExecutions"];

/// Nothing was sent that the printed policies do not allow.
fn permitted() {
    for (job, command) in [("plan", "plan"), ("plan", "status"), ("apply", "apply"), ("apply", "destroy")] {
        let mut allowed = permissions::allowed(&scones(&["permissions", "local", "--for", job]).expect(0).json());
        if command == "status" {
            allowed.extend(HEALTH.map(str::to_owned));
        }
        let more: Vec<String> = permissions::sent(&client(command)).difference(&allowed).cloned().collect();
        assert!(more.is_empty(), "{command} sent {more:?}, which the policy for {job} does not allow");
    }
}

/// What the endpoint saw and answered was captured.
fn captured() {
    let found = wait(s3().list_objects_v2().bucket(BUCKET).prefix("capture/").send()).unwrap();
    assert!(!found.contents.unwrap_or_default().is_empty(), "nothing was captured");
}

/// With nothing to change: at most 2.5 requests per resource, at most 5 one after the other.
fn budget() {
    let cost = crate::cost::counted("budget", || command(&["plan", "local"]));
    let (requests, chain) = (cost["requests"].as_f64().unwrap(), cost["chain"].as_u64().unwrap());
    let declared = scones(&["validate", "local"]).expect(0).stdout;
    let resources: f64 = declared.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
    assert!(
        requests > 0.0 && requests <= 2.5 * resources,
        "{requests} requests for {resources} resources: {}",
        cost["by_operation"]
    );
    assert!(chain <= 5, "a chain of {chain}");
}

/// Destroys the environment, twice, and looks at every service for what is left.
fn leaves_nothing() {
    scones(&["destroy", "local", "--yes"]).expect(0);
    let again = scones(&["destroy", "local", "--yes"]).expect(0);
    assert!(again.stdout.contains("Nothing to delete"), "{}", again.stdout);
    let left = wait(left());
    assert!(left.is_empty(), "left over: {left:?}");
}

/// Everything whose name starts with the environment's prefix, in every service used.
async fn left() -> Vec<String> {
    const PREFIX: &str = "scones-unlimited-local-";
    let mut found = vec![];
    let mut add = |names: Vec<Option<String>>| found.extend(names.into_iter().flatten().filter(|name| name.contains(PREFIX)));
    let iam = aws_sdk_iam::Client::new(sdk());
    add(iam.list_roles().send().await.unwrap().roles.into_iter().map(|role| Some(role.role_name)).collect());
    let lambda = aws_sdk_lambda::Client::new(sdk());
    add(lambda
        .list_functions()
        .send()
        .await
        .unwrap()
        .functions
        .unwrap_or_default()
        .into_iter()
        .map(|one| one.function_name)
        .collect());
    let states = aws_sdk_sfn::Client::new(sdk());
    add(states.list_state_machines().send().await.unwrap().state_machines.into_iter().map(|one| Some(one.name)).collect());
    let sagemaker = aws_sdk_sagemaker::Client::new(sdk());
    add(sagemaker.list_models().send().await.unwrap().models.unwrap_or_default().into_iter().map(|one| one.model_name).collect());
    add(sagemaker
        .list_endpoints()
        .send()
        .await
        .unwrap()
        .endpoints
        .unwrap_or_default()
        .into_iter()
        .map(|one| one.endpoint_name)
        .collect());
    let configurations = sagemaker.list_endpoint_configs().send().await.unwrap().endpoint_configs.unwrap_or_default();
    add(configurations.into_iter().map(|one| one.endpoint_config_name).collect());
    let cloudwatch = aws_sdk_cloudwatch::Client::new(sdk());
    add(cloudwatch
        .describe_alarms()
        .send()
        .await
        .unwrap()
        .metric_alarms
        .unwrap_or_default()
        .into_iter()
        .map(|one| one.alarm_name)
        .collect());
    let logs = aws_sdk_cloudwatchlogs::Client::new(sdk());
    add(logs
        .describe_log_groups()
        .send()
        .await
        .unwrap()
        .log_groups
        .unwrap_or_default()
        .into_iter()
        .map(|one| one.log_group_name)
        .collect());
    let stacks = aws_sdk_cloudformation::Client::new(sdk()).describe_stacks().send().await.unwrap().stacks.unwrap_or_default();
    let live =
        stacks.into_iter().filter(|one| one.stack_status.as_ref().is_some_and(|status| status.as_str() != "DELETE_COMPLETE"));
    add(live.map(|one| one.stack_name).collect());
    add(s3().list_buckets().send().await.unwrap().buckets.unwrap_or_default().into_iter().map(|one| one.name).collect());
    found
}

#[test]
fn killed_at_any_moment_the_next_apply_finishes() {
    let _turn = turn();
    // Each moment is a fraction of what a whole apply takes; a seed would only hide which moments were tried.
    let begun = Instant::now();
    scones(&["apply", "local", "--yes"]).expect(0);
    let whole = begun.elapsed();
    scones(&["destroy", "local", "--yes"]).expect(0);
    for tenths in [1, 3, 5, 7, 9] {
        let mut child = command(&["apply", "local", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + whole * tenths / 10;
        // Until the moment, or until it ended by itself: both are fine.
        while Instant::now() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = child.kill();
        child.wait().unwrap();
        scones(&["apply", "local", "--yes"]).expect(0);
        scones(&["plan", "local"]).expect(0);
        leaves_nothing();
    }
    // Killed while it destroys, too.
    scones(&["apply", "local", "--yes"]).expect(0);
    let mut child = command(&["destroy", "local", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(whole / 4);
    let _ = child.kill();
    child.wait().unwrap();
    leaves_nothing();
    assert_no_violations();
}

#[test]
fn interrupted_politely_it_says_what_is_left() {
    let _turn = turn();
    let mut child = command(&["apply", "local", "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Asked once the first step is done: from then on, others are in flight.
    let mut told = BufReader::new(child.stderr.take().unwrap());
    let mut stderr = String::new();
    while !stderr.contains('✓') && told.read_line(&mut stderr).unwrap() > 0 {}
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    told.read_to_string(&mut stderr).unwrap();
    let run = Run { stderr, ..Run::from(child.wait_with_output().unwrap()) };
    assert!([130, 0].contains(&run.code), "{run:?}");
    if run.code == 130 {
        assert!(run.stderr.contains("finishing what is in flight") && run.stderr.contains("scones apply local"), "{run:?}");
    }
    scones(&["apply", "local", "--yes"]).expect(0);
    leaves_nothing();
}

//! Monitors beyond one life: another engine, a baseline that is made, executions that run, what an interruption leaves.

use std::time::Duration;

use aws_sdk_sagemaker::types::ScheduleStatus;
use serde_json::json;

use crate::support::{Project, actions, assert_no_violations, control, plant, sdk, wait};

const FILE: &str = "environments/toy.yaml";
const STATISTICS: &str = "statistics: \"s3://${stacks.base.Bucket}/baseline/statistics.json\"";
const CONSTRAINTS: &str = "constraints: \"s3://${stacks.base.Bucket}/baseline/constraints.json\"";

fn sagemaker() -> aws_sdk_sagemaker::Client {
    aws_sdk_sagemaker::Client::new(sdk())
}

fn s3() -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(sdk()).force_path_style(true).build())
}

fn applied(app: &str) -> Project {
    let project = Project::from_fixture("toy", app).destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project
}

fn definitions(monitor: &str) -> Vec<String> {
    let found = wait(sagemaker().list_data_quality_job_definitions().name_contains(monitor).send()).unwrap();
    found.job_definition_summaries.unwrap_or_default().into_iter().filter_map(|one| one.monitoring_job_definition_name).collect()
}

fn status(schedule: &str) -> ScheduleStatus {
    let found = wait(sagemaker().describe_monitoring_schedule().monitoring_schedule_name(schedule).send()).unwrap();
    found.monitoring_schedule_status.unwrap()
}

#[test]
fn another_engine_is_another_monitor() {
    let project = applied("engine");
    let lambda = project.read(FILE);
    let baseline = format!("baseline: {{ {STATISTICS}, {CONSTRAINTS} }}");
    project.edit(FILE, "engine: lambda", "engine: sagemaker");
    project.edit(
        FILE,
        "    function: echo\n    every: 1h\n    classes: [bicycle, motorcycle]\n",
        "    role: run\n    every: 1h\n",
    );
    project.edit(FILE, "baseline: \"s3://${stacks.base.Bucket}/baseline.json\"", &baseline);
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(actions(&plan), [("monitors.predictions".to_owned(), "replace".to_owned())]);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    let events = aws_sdk_eventbridge::Client::new(sdk());
    let rules = || wait(events.list_rules().name_prefix("engine-toy-predictions").send()).unwrap().rules.unwrap_or_default();
    assert_eq!((rules().len(), definitions("engine-toy-predictions").len()), (0, 1));

    project.write(FILE, &lambda);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!((rules().len(), definitions("engine-toy-predictions").len()), (1, 0));
    assert_no_violations();
}

#[test]
fn a_baseline_is_made_of_data_once() {
    let project = applied("baseline");
    let bucket = "baseline-toy-123456789012";
    let s3 = s3();
    project.edit(FILE, STATISTICS, "data: \"s3://${stacks.base.Bucket}/training.csv\"");
    project.edit(FILE, &format!("      {CONSTRAINTS}\n"), "");
    let run = project.scones(&["apply", "toy", "--yes"]).expect(1);
    assert!(run.stderr.contains("the baseline was not made: ") && run.stderr.contains("training.csv"), "{}", run.stderr);

    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"label,width,height\n0,1.5,2\n1,2.5,3\n0,3.5,4\n");
    wait(s3.put_object().bucket(bucket).key("training.csv").body(body).send()).unwrap();
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    let found = wait(s3.list_objects_v2().bucket(bucket).prefix("monitoring/features/baseline/").send()).unwrap();
    let keys: Vec<&str> = found.contents().iter().filter_map(|object| object.key()).collect();
    assert!(keys.len() == 2 && keys[0].ends_with("constraints.json") && keys[1].ends_with("statistics.json"), "{keys:?}");

    // Another definition over the same data runs no job again.
    let jobs = || wait(sagemaker().list_processing_jobs().name_contains("baseline-toy").send()).unwrap().processing_job_summaries;
    let before = jobs().unwrap_or_default().len();
    project.edit(FILE, "volume: 20", "volume: 30");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!((jobs().unwrap_or_default().len(), definitions("baseline-toy-features").len()), (before, 1));
    assert_no_violations();
}

#[test]
fn executions_that_run_are_waited_for() {
    const SCHEDULE: &str = "running-toy-features";
    let project = applied("running");
    let ends = |status: &'static str| {
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(2));
            control(&format!("execution?schedule={SCHEDULE}&status={status}"));
        })
    };
    control(&format!("execution?schedule={SCHEDULE}&status=InProgress"));
    // A run that goes on is no drift, and nothing to wait for unless something changes.
    project.scones(&["plan", "toy"]).expect(0);
    project.edit(FILE, "every: 6h", "every: 12h");
    let end = ends("Completed");
    let run = project.scones(&["apply", "toy", "--yes"]).expect(0);
    end.join().unwrap();
    assert!(run.stderr.contains("monitors.features"), "{}", run.stderr);
    project.scones(&["plan", "toy"]).expect(0);

    control(&format!("execution?schedule={SCHEDULE}&status=Pending"));
    let end = ends("Failed");
    project.scones(&["destroy", "toy", "--yes"]).expect(0);
    end.join().unwrap();
    assert!(definitions(SCHEDULE).is_empty());
    assert_no_violations();
}

#[test]
fn what_is_switched_off_stays_off() {
    let project = applied("off");
    project.edit(FILE, "every: 6h", "every: 6h\n    enabled: false");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!(status("off-toy-features"), ScheduleStatus::Stopped);
    // UpdateMonitoringSchedule starts what was stopped.
    project.edit(FILE, "every: 6h", "every: 8h");
    project.edit(FILE, "volume: 20", "volume: 25");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project.scones(&["plan", "toy"]).expect(0);
    assert_eq!(status("off-toy-features"), ScheduleStatus::Stopped);
    project.edit(FILE, "enabled: false", "enabled: true");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(status("off-toy-features"), ScheduleStatus::Scheduled);
    assert_no_violations();
}

#[test]
fn interruptions_leave_nothing_behind() {
    let project = applied("cut");
    let operations = ["CreateDataQualityJobDefinition", "UpdateMonitoringSchedule", "DeleteDataQualityJobDefinition"];
    for (volume, operation) in (21..).zip(operations) {
        let client = format!("scones-cut-{volume}-{}", std::process::id());
        plant(&client, json!([{ "service": "sagemaker", "operation": operation, "kind": "access_denied" }]));
        project.edit(FILE, &format!("volume: {}", volume - 1), &format!("volume: {volume}"));
        let run = project.command(&["apply", "toy", "--yes"]).env("AWS_SDK_UA_APP_ID", &client).output().unwrap();
        let run = crate::support::Run::from(run).expect(1);
        assert!(run.stderr.contains(operation), "{operation}: {}", run.stderr);
        // Whatever was reached, the next run does the rest: the schedule, or only the collection of the old definition.
        project.scones(&["apply", "toy", "--yes"]).expect(0);
        project.scones(&["plan", "toy"]).expect(0);
        assert_eq!(definitions("cut-toy-features").len(), 1, "{operation}");
    }
    assert_no_violations();
}

#[test]
fn the_rule_invokes_the_function_with_its_event() {
    let bucket = "fired-toy-123456789012";
    let project = Project::from_fixture("toy", "fired").destroyed_at_end("toy");
    let keep = format!(
        "import boto3, json\n\n\ndef handler(event, context):\n    boto3.client('s3').put_object(Bucket='{bucket}', Key='event', Body=json.dumps(event))\n"
    );
    project.write("app/main.py", &keep);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    control("fire?rule=fired-toy-predictions");
    let s3 = s3();
    let event = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(100));
        let object = wait(s3.get_object().bucket(bucket).key("event").send()).ok()?;
        Some(wait(object.body.collect()).unwrap().into_bytes())
    });
    let event: serde_json::Value = serde_json::from_slice(&event.expect("the function was invoked")).unwrap();
    assert_eq!(
        event,
        json!({
            "monitor": "fired-toy-predictions", "endpoint": "fired-toy-net", "variant": "AllTraffic",
            "capture": format!("s3://{bucket}/capture"), "window_minutes": 60, "classes": ["bicycle", "motorcycle"],
            "baseline": format!("s3://{bucket}/baseline.json"), "reports": format!("s3://{bucket}/monitoring/predictions"),
            "namespace": "Scones/Model", "low_confidence": 0.8, "minimum_records": 20,
        })
    );
    assert_no_violations();
}

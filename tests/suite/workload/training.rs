//! `scones train`: to a registered model, to one that is not good enough, to a failure with its reason.

use serde_json::Value;

use super::{put, text, write_archive};
use crate::support::{Project, assert_no_violations, repository, sdk, wait};

const FILE: &str = "environments/training.yaml";
const GROUP: &str = "training-local-classifier";
const BUCKET: &str = "training-local-data-123456789012-us-east-1";

/// What is shipped, without all that training does not need.
const ENVIRONMENT: &str = r#"extends: local.yaml
app: training
values: { accuracy-gate: "0.9" }
staging: { archive: { url: archive.tar.gz } }
evaluation: null
run: null
verify: null
stacks: { schedules: null }
roles:
  serialize-image-data: null
  image-classification: null
  filter-inference-result: null
  drift-monitor: null
  workflow: null
  canary: null
  sagemaker: null
functions: null
state_machines: { classify: null }
models: null
endpoints: null
monitors: null
alarms: null
composite_alarms: null
dashboards: null
"#;

fn project() -> Project {
    let project = Project::of_text("").destroyed_at_end("training");
    for file in ["environments/base.yaml", "environments/local.yaml", "stacks/foundation.yaml", "stacks/retrain.asl.yaml"] {
        project.write(file, &std::fs::read_to_string(repository().join(file)).unwrap());
    }
    project.write(FILE, ENVIRONMENT);
    project
}

/// The packages of the group: (version, approval, accuracy).
fn packages() -> Vec<(i32, String, String)> {
    let client = aws_sdk_sagemaker::Client::new(sdk());
    wait(async {
        let listed = client.list_model_packages().model_package_group_name(GROUP).send().await.unwrap();
        let mut found = vec![];
        for one in listed.model_package_summary_list.unwrap_or_default() {
            let package =
                client.describe_model_package().model_package_name(one.model_package_arn.unwrap()).send().await.unwrap();
            let approval = package.model_approval_status.unwrap().as_str().to_owned();
            let accuracy = package.customer_metadata_properties.unwrap_or_default().remove("accuracy").unwrap_or_default();
            found.push((package.model_package_version.unwrap(), approval, accuracy));
        }
        found
    })
}

#[test]
fn training_ends_in_one_of_three_ways() {
    let project = project();
    let run = project.scones(&["train", "training"]).expect(1);
    assert!(run.stderr.contains("deploy it first: scones apply training"), "{}", run.stderr);
    project.scones(&["apply", "training", "--yes"]).expect(0);

    // Nothing is staged: caught, told, failed with the error's own name.
    let run = project.scones(&["train", "training"]).expect(1);
    assert!(run.stderr.contains("! ReadDataset") && run.stderr.contains("NoSuchKey"), "{}", run.stderr);
    assert_eq!(packages(), []);

    write_archive(&project.path("archive.tar.gz"), 150, 60);
    project.scones(&["stage", "training"]).expect(0);
    let run = project.scones(&["train", "training"]).expect(0);
    let states = ["ReadDataset", "Train", "GoodEnough", "KeepMetrics", "Register", "SayRegistered", "Registered"];
    let told: Vec<usize> = states.iter().map(|state| run.stderr.find(&format!("✓ {state}")).unwrap_or(usize::MAX)).collect();
    assert!(told.is_sorted() && !told.contains(&usize::MAX), "{told:?}: {}", run.stderr);
    let (output, registered) = (run.json(), packages());
    let accuracy = output["training"]["accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.9, "{output}");
    let [(1, approval, kept)] = registered.as_slice() else { panic!("{registered:?}") };
    assert_eq!((approval.as_str(), kept.parse()), ("Approved", Ok(accuracy)));
    assert!(output["model"]["package"].as_str().unwrap().ends_with(&format!("/{GROUP}/1")), "{output}");
    let quality: Value = serde_json::from_str(&text(BUCKET, &quality(&output))).unwrap();
    assert_eq!(quality["binary_classification_metrics"]["accuracy"]["value"], accuracy, "{quality}");

    // No model reaches this gate: no failure, an end of its own, and nothing registered.
    project.edit(FILE, r#"accuracy-gate: "0.9""#, r#"accuracy-gate: "1.1""#);
    project.scones(&["apply", "training", "--yes"]).expect(0);
    let run = project.scones(&["train", "training"]).expect(0);
    assert!(run.stderr.contains("✓ NotGoodEnough") && !run.stderr.contains("Register"), "{}", run.stderr);
    assert_eq!((run.json()["model"].clone(), packages().len()), (Value::Null, 1));

    // A list that the algorithm refuses: its own words come through the job, the workflow and the program.
    let list = text(BUCKET, "staged/train.lst").replacen("\t1\t", "\t7\t", 1);
    put(BUCKET, "staged/train.lst", list);
    let run = project.scones(&["train", "training"]).expect(1);
    assert!(run.stderr.contains("! Train") && run.stderr.contains("✗ TrainingFailed"), "{}", run.stderr);
    assert!(
        run.stderr.contains("the execution failed: ") && run.stderr.contains("the label 7 is outside 0 to 1"),
        "{}",
        run.stderr
    );
    assert_eq!((run.stdout.as_str(), packages().len()), ("", 1));
    assert_no_violations();
}

fn quality(output: &Value) -> String {
    format!("models/{}/quality.json", output["training"]["name"].as_str().unwrap())
}

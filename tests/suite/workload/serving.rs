//! Scones Unlimited with a model that it trained itself: served, measured, run, verified.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use aws_sdk_sagemakerruntime::primitives::Blob;
use serde_json::Value;
use tempfile::NamedTempFile;

use super::{get, keys, put, text, write_archive};
use crate::support::{Run, assert_no_violations, cloud, repository, sdk, wait};

const APP: &str = "app: workload\n";
const BUCKET: &str = "workload-local-data-123456789012-us-east-1";
const ENDPOINT: &str = "workload-local-classifier";

/// The shipped environment under another name. Its file lies in the repository, since sources are found from there.
struct Environment(NamedTempFile);

impl Environment {
    fn new() -> Self {
        let file = tempfile::Builder::new().prefix(".suite-").suffix(".yaml").tempfile_in(repository()).unwrap();
        let environment = Self(file);
        environment.write("");
        environment
    }

    fn write(&self, more: &str) {
        let mut file = self.0.reopen().unwrap();
        file.set_len(0).unwrap();
        write!(file, "extends: environments/local-trained.yaml\n{APP}{more}").unwrap();
    }

    fn name(&self) -> &str {
        self.0.path().file_name().unwrap().to_str().unwrap()
    }

    fn scones(&self, command: &str, more: &[&str]) -> Run {
        let mut scones = Command::new(env!("CARGO_BIN_EXE_scones"));
        scones.arg(command).arg(self.name()).args(more).current_dir(repository()).env("NO_COLOR", "1").envs(cloud());
        scones.output().unwrap().into()
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.write("");
        let run = self.scones("destroy", &["--yes"]);
        if !std::thread::panicking() {
            run.expect(0);
        }
    }
}

fn picture(name: &str) -> String {
    let cloud = std::env::var_os("SCONES_TEST_CLOUD").map_or_else(|| repository().join("target/cloud"), PathBuf::from);
    cloud.join("pictures").join(name).canonicalize().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_model_is_trained_served_measured_and_used() {
    let environment = Environment::new();
    // Nothing is trained yet: all but the endpoint and what needs it.
    environment.scones("apply", &["--yes"]).expect(5);
    let folder = tempfile::TempDir::new().unwrap();
    let archive = folder.path().join("cifar.tar.gz");
    write_archive(&archive, 150, 60);
    environment.scones("stage", &["--archive", archive.to_str().unwrap()]).expect(0);
    let run = environment.scones("evaluate", &[]).expect(1);
    assert!(run.stderr.contains("see what it waits for: scones status"), "{}", run.stderr);
    let trained = environment.scones("train", &[]).expect(0).json();
    environment.scones("apply", &["--yes"]).expect(0);
    assert_eq!(served(), trained["model"]["package"]);
    environment.scones("plan", &[]).expect(0);

    measured(&environment);
    measured_badly(&environment);
    many_at_once(&environment, &folder);
    watched(&environment);
    verified(&environment);
    assert_no_violations();
}

/// The package behind the endpoint.
fn served() -> Value {
    let client = aws_sdk_sagemaker::Client::new(sdk());
    wait(async {
        let endpoint = client.describe_endpoint().endpoint_name(ENDPOINT).send().await.unwrap();
        let config = client.describe_endpoint_config().endpoint_config_name(endpoint.endpoint_config_name.unwrap());
        let config = config.send().await.unwrap();
        let model = config.production_variants.unwrap().remove(0).model_name.unwrap();
        let model = client.describe_model().model_name(model).send().await.unwrap();
        model.primary_container.unwrap().model_package_name.unwrap().into()
    })
}

/// Asks the endpoint for each picture of the staged list: a row per true class, a column per answered class.
fn counted() -> Vec<Vec<u64>> {
    let client = aws_sdk_sagemakerruntime::Client::new(sdk());
    let mut confusion = vec![vec![0; 2]; 2];
    for line in text(BUCKET, "staged/test.lst").lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let bytes = get(BUCKET, &format!("staged/test/{}", fields[2]));
        let request = client.invoke_endpoint().endpoint_name(ENDPOINT).content_type("application/x-image").body(Blob::new(bytes));
        let answer = wait(request.send()).unwrap().body.unwrap();
        let shares: Vec<f64> = serde_json::from_slice(answer.as_ref()).unwrap();
        confusion[fields[1].parse::<usize>().unwrap()][usize::from(shares[1] > shares[0])] += 1;
    }
    confusion
}

/// Holds an evaluation against a confusion matrix that was counted elsewhere.
fn agrees(evaluation: &Value, confusion: &[Vec<u64>]) {
    assert_eq!(evaluation["confusion"], serde_json::json!(confusion));
    let correct = confusion[0][0] + confusion[1][1];
    let all: u64 = confusion.iter().flatten().sum();
    assert_eq!((&evaluation["pictures"], &evaluation["correct"]), (&all.into(), &correct.into()));
    let close = |found: &Value, wanted: f64| assert!((found.as_f64().unwrap() - wanted).abs() < 1e-9, "{found} is not {wanted}");
    close(&evaluation["accuracy"]["value"], correct as f64 / all as f64);
    for class in 0..2 {
        let right = confusion[class][class] as f64;
        close(&evaluation["per_class"][class]["recall"], right / (confusion[class][0] + confusion[class][1]) as f64);
        close(&evaluation["per_class"][class]["precision"], right / (confusion[0][class] + confusion[1][class]) as f64);
    }
}

fn evidence() -> Vec<String> {
    keys("scones-123456789012-us-east-1", &format!("evidence/workload/local/{ENDPOINT}/"))
}

fn measured(environment: &Environment) {
    let before = evidence().len();
    let run = environment.scones("evaluate", &["--format", "json"]).expect(0);
    let evaluation = run.json();
    agrees(&evaluation, &counted());
    assert!(evaluation["accuracy"]["value"].as_f64().unwrap() >= 0.9, "{}", evaluation["accuracy"]);

    // Kept under the digest of the model, as the same JSON and as a page.
    let kept = run.stderr.lines().find_map(|line| line.strip_prefix("kept as s3://")).unwrap();
    let (bucket, key) = kept.split_once('/').unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text(bucket, key)).unwrap(), evaluation);
    let digest = evaluation["context"]["model_digest"].as_str().unwrap();
    assert!(key.contains(&digest["sha256:".len()..][..16]), "{key}: {digest}");
    assert!(text(bucket, &key.replace(".json", ".html")).contains("<h1"), "{key}");
    assert_eq!(evidence().len(), before + 2);
    let baseline: Value = serde_json::from_str(&text(BUCKET, "monitoring/baseline.json")).unwrap();
    assert_eq!(baseline["records"], evaluation["answered"], "{baseline}");

    let page = tempfile::NamedTempFile::new().unwrap();
    let run = environment.scones("evaluate", &["--html", page.path().to_str().unwrap()]).expect(0);
    let (correct, all) = (&evaluation["correct"], &evaluation["pictures"]);
    let share = evaluation["accuracy"]["value"].as_f64().unwrap() * 100.0;
    assert!(run.stdout.starts_with(&format!("Accuracy {share:.1} %: {correct} of {all} pictures\n")), "{}", run.stdout);
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
    assert!(std::fs::read_to_string(page.path()).unwrap().contains(&format!("{correct} of {all}")));
}

/// With every third bicycle called a motorcycle in the list, the endpoint is wrong about these.
fn measured_badly(environment: &Environment) {
    let list = text(BUCKET, "staged/test.lst");
    let mut bicycles = 0;
    let lines = list.lines().map(|line| {
        bicycles += usize::from(line.contains("\t0\t"));
        if bicycles % 3 == 0 { line.replace("\t0\t", "\t1\t") } else { line.to_owned() }
    });
    put(BUCKET, "staged/test.lst", lines.map(|line| line + "\n").collect::<String>());
    let before = evidence().len();
    let run = environment.scones("evaluate", &["--format", "json"]).expect(1);
    let evaluation = run.json();
    agrees(&evaluation, &counted());
    assert!(evaluation["confusion"][1][0].as_u64().unwrap() >= 15, "{}", evaluation["confusion"]);
    let value = evaluation["accuracy"]["value"].as_f64().unwrap();
    assert!(run.stderr.contains(&format!("the accuracy is {value:.3}, but 0.9 is wanted")), "{}", run.stderr);
    assert_eq!(evidence().len(), before + 2, "a bad evaluation is evidence too");
    put(BUCKET, "staged/test.lst", list);
}

fn many_at_once(environment: &Environment, folder: &tempfile::TempDir) {
    let text = folder.path().join("no-picture.png");
    std::fs::write(&text, "a text that calls itself a picture").unwrap();
    let text = text.to_str().unwrap().to_owned();
    let names: Vec<String> =
        (1..=4).flat_map(|number| ["bicycle", "motorcycle"].map(|kind| format!("{kind}-{number}.png"))).collect();
    let mut pictures: Vec<String> = names.iter().map(|name| picture(name)).collect();
    pictures.insert(3, picture("noise.png"));
    pictures.insert(6, text.clone());
    let mut arguments: Vec<&str> = pictures.iter().map(String::as_str).collect();
    arguments.extend(["--at-once", "3", "--format", "json"]);
    let run = environment.scones("run", &arguments).expect(1);
    assert!(run.stderr.contains("10 pictures, 1 failed"), "{}", run.stderr);
    let results = run.json();
    let results = results.as_array().unwrap();
    let order: Vec<&str> = results.iter().map(|result| result["picture"].as_str().unwrap()).collect();
    assert_eq!(order, pictures);
    for (path, result) in pictures.iter().zip(results) {
        let (output, error) = (&result["output"], &result["error"]);
        if *path == text {
            let named = error
                .as_str()
                .is_some_and(|error| error.contains("the execution failed: ") && error.contains("UnsupportedImage"));
            assert!(named && output.is_null(), "{result}");
        } else if path.ends_with("noise.png") {
            assert_eq!((&output["result"], error), (&"below_threshold".into(), &Value::Null), "{result}");
        } else {
            let kind = path.rsplit('/').next().unwrap().split('-').next().unwrap();
            assert!(output["label"] == kind && error.is_null(), "{result}");
        }
    }
}

fn watched(environment: &Environment) {
    let run = environment.scones("run", &[&picture("bicycle-1.png")]).expect(0);
    assert!(run.stdout.contains("bicycle-1.png  bicycle 0.9"), "{}", run.stdout);
    let run = environment.scones("run", &["s3://workload-local-data-123456789012-us-east-1/nowhere.png"]).expect(1);
    assert!(run.stdout.contains("ImageNotFound") && run.stderr.contains("✗"), "{run:?}");
    let run = environment.scones("run", &["/nowhere.png"]).expect(1);
    assert!(run.stderr.contains("cannot read /nowhere.png"), "{run:?}");
}

fn verified(environment: &Environment) {
    let picture = picture("bicycle-2.png");
    environment.write(&format!("verify: {{ picture: {picture}, expect: {{ label: bicycle }} }}\n"));
    let run = environment.scones("apply", &["--yes"]).expect(0);
    assert!(run.stderr.contains(&format!("verified with {picture}")), "{}", run.stderr);
    environment.write(&format!("verify: {{ picture: {picture}, expect: {{ label: motorcycle }} }}\n"));
    let run = environment.scones("apply", &["--yes"]).expect(1);
    let wrong = format!("verify: {picture}: label should be \"motorcycle\", but is \"bicycle\"");
    let help = format!("look closer with: scones run {} {picture}", environment.name());
    assert!(run.stderr.contains(&wrong) && run.stderr.contains(&help), "{}", run.stderr);
    environment.write("verify: { picture: /nowhere.png }\n");
    let run = environment.scones("apply", &["--yes"]).expect(1);
    assert!(run.stderr.contains("verify: /nowhere.png: cannot read"), "{}", run.stderr);
    environment.write(&format!("verify: {{ picture: {picture}, expect: {{ label: bicycle }} }}\nrun: null\n"));
    let run = environment.scones("apply", &["--yes"]).expect(1);
    assert!(run.stderr.contains("has no block `run`"), "{}", run.stderr);
}

//! From one account into another: what runs proven in dev is pinned in prod, and runs there.

mod shipped;

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StateValue};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LastUpdateStatus;
use aws_sdk_s3::primitives::ByteStream;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::{Cloud, Project, Run, actions, ask, assert_no_violations, changes, cloud, repository, sdk, wait};

const BUCKET: &str = "scones-444455556666-us-east-1";
const ARTIFACT: (&str, &str) = ("scones-local-models", "classifier/model.tar.gz");

/// A second cloud, which is another account of the first. Each test has one of its own, as they share the first cloud.
fn account(number: &str) -> Cloud {
    let account = Cloud::up(&["--account", number]);
    let given = json!({ "account": number, "url": account.env["AWS_ENDPOINT_URL"] });
    ask(&cloud()["AWS_ENDPOINT_URL"], "POST", "/__cloud__/account", &given.to_string());
    account
}

fn s3(sdk: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(sdk).force_path_style(true).build())
}

fn put(sdk: &SdkConfig, bucket: &str, key: &str, bytes: Vec<u8>) {
    wait(s3(sdk).put_object().bucket(bucket).key(key).body(ByteStream::from(bytes)).send()).unwrap();
}

fn get(sdk: &SdkConfig, (bucket, key): (&str, &str)) -> Vec<u8> {
    wait(async {
        let object = s3(sdk).get_object().bucket(bucket).key(key).send().await.unwrap();
        object.body.collect().await.unwrap().to_vec()
    })
}

/// The keys below a prefix of the other account's bucket.
fn there(account: &Cloud, prefix: &str) -> Vec<String> {
    let listed = wait(s3(&account.sdk).list_objects_v2().bucket(BUCKET).prefix(prefix).send()).unwrap();
    listed.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect()
}

/// Eight pictures and the list of them, where an evaluation looks.
fn stage(bucket: &str) {
    let folder = std::env::var_os("SCONES_TEST_CLOUD").map_or_else(|| repository().join("target/cloud"), PathBuf::from);
    let mut list = String::new();
    for (truth, kind) in ["bicycle", "motorcycle"].iter().enumerate() {
        for number in 1..=4 {
            let file = format!("{kind}-{number}.png");
            list += &format!("{number}\t{truth}\t{file}\n");
            put(sdk(), bucket, &format!("staged/test/{file}"), std::fs::read(folder.join("pictures").join(&file)).unwrap());
        }
    }
    put(sdk(), bucket, "staged/test.lst", list.into_bytes());
}

fn alarm(name: &str, state: StateValue) {
    let client = aws_sdk_cloudwatch::Client::new(sdk());
    wait(client.set_alarm_state().alarm_name(name).state_value(state).state_reason("the test says so").send()).unwrap();
}

/// Publishes what the monitor would have found.
fn measured(endpoint: &str, monitor: &str, index: f64, seconds_ago: u64) {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    let datum = MetricDatum::builder()
        .metric_name("PredictionPSI")
        .dimensions(dimension("Endpoint", endpoint))
        .dimensions(dimension("Monitor", monitor))
        .value(index)
        .timestamp(DateTime::from(SystemTime::now() - Duration::from_secs(seconds_ago)))
        .build();
    let client = aws_sdk_cloudwatch::Client::new(sdk());
    wait(client.put_metric_data().namespace("Scones/Model").metric_data(datum).send()).unwrap();
}

fn code(sdk: &SdkConfig, name: &str) -> String {
    let client = aws_sdk_lambda::Client::new(sdk);
    let found = wait(client.get_function_configuration().function_name(name).qualifier("live").send()).unwrap();
    found.code_sha256.unwrap()
}

/// The artifact of the model that an endpoint serves: bucket and key.
fn served(sdk: &SdkConfig, endpoint: &str) -> (String, String) {
    let client = aws_sdk_sagemaker::Client::new(sdk);
    let url: String = wait(async {
        let endpoint = client.describe_endpoint().endpoint_name(endpoint).send().await.unwrap();
        let config = client.describe_endpoint_config().endpoint_config_name(endpoint.endpoint_config_name.unwrap());
        let model = config.send().await.unwrap().production_variants.unwrap().remove(0).model_name.unwrap();
        let model = client.describe_model().model_name(model).send().await.unwrap();
        model.primary_container.unwrap().model_data_url.unwrap()
    });
    let (bucket, key) = url.strip_prefix("s3://").unwrap().split_once('/').unwrap();
    (bucket.to_owned(), key.to_owned())
}

#[test]
fn what_runs_proven_in_dev_runs_in_prod() {
    let account = account("444455556666");
    // CloudWatch keeps the history of alarms that are gone, for the next run on the same cloud.
    let app = &format!("promotion{}", std::process::id());
    let project = Project::from_fixture("promotion", app).destroyed_at_end("dev");
    stage_and_apply(&project, app);

    let run = refused(&project);
    for demand in ["✓ dev without drift", "✗ accuracy of at least 0.9", "✗ predictions drifted by less than 0.25"] {
        assert!(run.stdout.contains(demand), "{}", run.stdout);
    }
    assert!(run.stdout.contains("no evaluation was kept of what endpoints.net serves now"), "{}", run.stdout);
    assert!(run.stdout.contains("monitors.predictions has measured nothing of late"), "{}", run.stdout);
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
    assert!(run.stderr.contains("2 pieces of evidence are missing"), "{}", run.stderr);
    project.scones(&["evaluate", "dev"]).expect(0);
    let (endpoint, monitor) = (format!("{app}-dev-net"), format!("{app}-dev-predictions"));
    measured(&endpoint, &monitor, 0.4, 3600);
    assert!(refused(&project).stdout.contains("monitors.predictions: 0.400 at"));
    measured(&endpoint, &monitor, 0.05, 0);
    changed_outside(&project, app);
    rang(&project, app);
    of_another_model(&project, app);

    promoted(&project, &account, app);
    applied(&project, &account, app);
    overwritten(&project, &account);
    destroyed(&project, &account);
    assert_no_violations();
    account.assert_no_violations();
}

/// Development runs version 2 of its function; production version 1, and no model.
fn stage_and_apply(project: &Project, app: &str) {
    let bucket = format!("{app}-models");
    wait(s3(sdk()).create_bucket().bucket(&bucket).send()).unwrap();
    put(sdk(), &bucket, "first/model.tar.gz", get(sdk(), ARTIFACT));
    project.edit("environments/prod.yaml", "  echo: \"sha256", "  other: \"sha256");
    let run = project.scones(&["apply", "prod", "--yes"]).expect(5);
    assert!(run.stdout.contains("pins.net is not set"), "{}", run.stdout);
    project.edit("environments/prod.yaml", "  other: \"sha256", "  echo: \"sha256");
    project.edit("app/main.py", "VERSION = 1", "VERSION = 2");
    project.scones(&["apply", "dev", "--yes"]).expect(0);
    stage(&format!("{app}-dev-data"));
}

/// Promotes, which must fail and change nothing.
#[track_caller]
fn refused(project: &Project) -> Run {
    let before = project.read("environments/prod.yaml");
    let run = project.scones(&["promote", "dev", "prod"]).expect(1);
    assert!(run.stderr.contains("Nothing was copied, and no file was changed."), "{}", run.stderr);
    project.scones(&["promote", "dev", "prod", "--check"]).expect(1);
    assert_eq!(project.read("environments/prod.yaml"), before);
    run
}

/// A function whose settings or code somebody changed is not promoted.
fn changed_outside(project: &Project, app: &str) {
    let client = aws_sdk_lambda::Client::new(sdk());
    let name = format!("{app}-dev-echo");
    wait(client.update_function_configuration().function_name(&name).memory_size(256).send()).unwrap();
    let run = refused(project);
    assert!(
        run.stdout.contains("✗ dev without drift") && run.stdout.contains("functions.echo changed outside: memory"),
        "{run:?}"
    );
    wait(client.update_function_code().function_name(&name).zip_file(Blob::new(zip())).send()).unwrap();
    let updating = || {
        let found = wait(client.get_function().function_name(&name).send()).unwrap();
        found.configuration.and_then(|found| found.last_update_status) == Some(LastUpdateStatus::InProgress)
    };
    while updating() {
        std::thread::yield_now();
    }
    let run = refused(project);
    assert!(run.stdout.contains("cannot be pinned") && run.stdout.contains("code changed outside scones"), "{run:?}");
    project.scones(&["apply", "dev", "--yes"]).expect(0);
    project.edit("app/main.py", "VERSION = 2", "VERSION = 3");
}

/// Another function's code.
fn zip() -> Vec<u8> {
    let mut file = std::io::Cursor::new(vec![]);
    let mut zip = zip::ZipWriter::new(&mut file);
    zip.start_file("main.py", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, b"def handler(event, context):\n    return 'mine'\n").unwrap();
    zip.finish().unwrap();
    file.into_inner()
}

/// An alarm that rings, and one that rang within the time, are no evidence; once the time has passed, they are.
fn rang(project: &Project, app: &str) {
    let name = format!("{app}-dev-errors");
    alarm(&name, StateValue::Alarm);
    let run = refused(project);
    assert!(run.stdout.contains("✗ alarms quiet for 1h") && run.stdout.contains("alarms.errors rings"), "{}", run.stdout);
    alarm(&name, StateValue::Ok);
    let run = refused(project);
    assert!(run.stdout.contains("alarms.errors rang until 20"), "{}", run.stdout);
    project.edit("environments/prod.yaml", "alarms_quiet: 1h", "alarms_quiet: 1s");
    let begun = Instant::now();
    while project.scones(&["promote", "dev", "prod", "--check"]).code != 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", project.scones(&["promote", "dev", "prod", "--check"]));
    }
}

/// What was overwritten after the model was made of it may not be what runs; and an evaluation speaks of one model alone.
fn of_another_model(project: &Project, app: &str) {
    let (bucket, model) = (format!("{app}-models"), get(sdk(), ARTIFACT));
    put(sdk(), &bucket, "first/model.tar.gz", model.clone());
    let run = refused(project);
    assert!(run.stdout.contains("cannot be pinned") && run.stdout.contains("was overwritten after"), "{}", run.stdout);
    put(sdk(), &bucket, "second/model.tar.gz", model);
    project.edit("environments/base.yaml", "/first/", "/second/");
    project.edit("app/main.py", "VERSION = 3", "VERSION = 2");
    project.scones(&["apply", "dev", "--yes"]).expect(0);
    project.edit("app/main.py", "VERSION = 2", "VERSION = 3");
    let run = refused(project);
    assert!(run.stdout.contains("no evaluation was kept of what endpoints.net serves now"), "{}", run.stdout);
    project.scones(&["evaluate", "dev"]).expect(0);
}

fn promoted(project: &Project, account: &Cloud, app: &str) {
    assert_eq!(there(account, "models/"), Vec::<String>::new());
    let (before, packages) = (project.read("environments/prod.yaml"), there(account, "packages/"));
    let run = project.scones(&["promote", "dev", "prod", "--check"]).expect(2);
    assert!(run.stdout.contains("+  net: s3://scones-444455556666-us-east-1/models/"), "{}", run.stdout);
    assert_eq!((project.read("environments/prod.yaml"), there(account, "packages/")), (before.clone(), packages.clone()));
    assert_eq!(there(account, "models/"), Vec::<String>::new());

    // What lies in the bucket must be what runs.
    let digest = project.scones(&["plan", "dev", "--format", "json"]).json();
    let running = digest["steps"][0]["changes"][0]["from"].as_str().unwrap().to_owned();
    let key = format!("packages/{}.zip", running.trim_start_matches("sha256:"));
    let bucket = "scones-123456789012-us-east-1";
    let package = get(sdk(), (bucket, &key));
    put(sdk(), bucket, &key, zip());
    let run = project.scones(&["promote", "dev", "prod"]).expect(1);
    assert!(run.stderr.contains("this package is not what"), "{}", run.stderr);
    assert_eq!(project.read("environments/prod.yaml"), before);
    put(sdk(), bucket, &key, package);

    let run = project.scones(&["promote", "dev", "prod"]).expect(0);
    assert!(run.stdout.contains("To go on: scones plan prod"), "{}", run.stdout);
    assert!(
        run.stderr.contains("copied the package of functions.echo") && run.stderr.contains("copied the artifact of models.net")
    );
    let after = project.read("environments/prod.yaml");
    let kept = |text: &str| {
        text.lines()
            .filter(|line| line.contains('#'))
            .map(|line| line.split('#').next_back().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(&before).iter().filter(|line| !kept(&after).contains(line)).count(), 0, "{after}");
    let lines: Vec<&str> = after.lines().filter(|line| !before.contains(*line)).collect();
    assert!(lines.len() == 2 && lines[0] == format!("  echo: \"{running}\""), "{lines:#?}");
    assert!(lines[1].starts_with("  net: s3://") && lines[1].contains("/model.tar.gz#etag="), "{lines:#?}");
    assert_eq!(there(account, "models/").len(), 1);
    assert_eq!(there(account, "packages/").len(), packages.len() + 1);

    for arguments in [&["promote", "dev", "prod"][..], &["promote", "dev", "prod", "--check"]] {
        let run = project.scones(arguments).expect(0);
        assert!(run.stdout.contains("Nothing to do: prod has pinned already what runs in dev"), "{}", run.stdout);
    }
    assert_eq!(project.read("environments/prod.yaml"), after);
    assert_eq!(code(sdk(), &format!("{app}-dev-echo")), base64_of(&get(&account.sdk, (BUCKET, &key))));
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(bytes))
}

fn applied(project: &Project, account: &Cloud, app: &str) {
    let plan = project.scones(&["plan", "prod", "--format", "json"]).expect(2).json();
    let pairs =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect::<Vec<_>>();
    assert_eq!(changes(&plan), pairs(&[("functions.echo", "package")]));
    // The rest is what waited for the model.
    let expected = [("functions.echo", "update"), ("models.net", "create"), ("endpoints.net", "create")];
    let mut found = actions(&plan);
    found.sort();
    let mut expected = pairs(&expected);
    expected.sort();
    assert_eq!(found, expected);
    project.scones(&["apply", "prod", "--yes"]).expect(0);
    project.scones(&["plan", "prod"]).expect(0);
    let name = |environment: &str, what: &str| format!("{app}-{environment}-{what}");
    assert_eq!(code(sdk(), &name("dev", "echo")), code(&account.sdk, &name("prod", "echo")));
    let (left, right) = (served(sdk(), &name("dev", "net")), served(&account.sdk, &name("prod", "net")));
    assert_eq!(right.0, BUCKET);
    let digest = |sdk: &SdkConfig, place: &(String, String)| Sha256::digest(get(sdk, (&place.0, &place.1)));
    assert_eq!(digest(sdk(), &left), digest(&account.sdk, &right));
}

/// A pinned artifact that somebody overwrites is noticed, and nothing is made of it.
fn overwritten(project: &Project, account: &Cloud) {
    let key = there(account, "models/").remove(0);
    let before = get(&account.sdk, (BUCKET, &key));
    put(&account.sdk, BUCKET, &key, b"something else".to_vec());
    let run = project.scones(&["plan", "prod"]);
    assert!(run.stdout.contains("is not what was pinned: its ETag is"), "{run:?}");
    let drift = project.scones(&["drift", "prod", "--format", "json"]).expect(2).json();
    assert_eq!(changes(&drift), [("models.net".to_owned(), "etag".to_owned())]);
    let run = project.scones(&["apply", "prod", "--yes"]).expect(5);
    assert!(run.stdout.contains("Promote again, or put the object back"), "{run:?}");
    project.scones(&["promote", "dev", "prod", "--check"]).expect(2);
    let run = project.scones(&["promote", "dev", "prod"]).expect(0);
    assert!(run.stderr.contains("copied the artifact of models.net"), "{run:?}");
    assert_eq!(get(&account.sdk, (BUCKET, &key)), before);
    let run = project.scones(&["plan", "prod"]).expect(0);
    assert!(run.stdout.contains("Nothing to do"), "{run:?}");
}

fn destroyed(project: &Project, account: &Cloud) {
    project.scones(&["destroy", "prod", "--yes"]).expect(0);
    // What is pinned stays where it can be pinned again.
    assert_eq!(there(account, "models/").len(), 1);
}

#[test]
fn what_cannot_be_promoted_is_refused() {
    let project = Project::from_fixture("promotion", "promotion-refused");
    let run = project.scones(&["promote", "dev", "dev"]).expect(1);
    assert!(run.stderr.contains("dev cannot be promoted to itself"), "{}", run.stderr);
    project.write("environments/test.yaml", "extends: base.yaml\nenvironment: test\npromotion: { from: prod }\n");
    let run = project.scones(&["promote", "dev", "test"]).expect(1);
    assert!(run.stderr.contains("test is promoted from prod, not from dev"), "{}", run.stderr);
    project.write("environments/other.yaml", "extends: base.yaml\napp: another\nenvironment: other\n");
    for command in ["promote", "compare"] {
        let run = project.scones(&[command, "dev", "other"]).expect(1);
        assert!(run.stderr.contains("dev is an environment of promotion-refused, and other of another"), "{}", run.stderr);
    }
    // The credentials are for account 123456789012, and nothing leads to the other one.
    project.edit("environments/prod.yaml", "assume_role: arn:aws:iam::444455556666:role/deploy\n", "");
    let run = project.scones(&["promote", "dev", "prod"]).expect(1);
    assert!(run.stderr.contains("but the environment belongs to 444455556666"), "{}", run.stderr);
    project.write(
        "environments/wrong.yaml",
        "extends: base.yaml\nenvironment: wrong\npromotion: { from: wrong, alarms_quiet: 15d }\n",
    );
    let run = project.scones(&["validate", "wrong"]).expect(1);
    assert!(run.stderr.contains("an environment is not promoted from itself"), "{}", run.stderr);
    assert!(run.stderr.contains("CloudWatch keeps the history of alarms for 14 days"), "{}", run.stderr);
}

#[test]
fn environments_are_compared_without_an_account() {
    let project = Project::from_fixture("promotion", "promotion-compared");
    let comparison = project.offline(&["compare", "dev", "prod", "--format", "json"]).expect(0).json();
    let addresses: Vec<&str> =
        comparison["differing"].as_array().unwrap().iter().map(|one| one["address"].as_str().unwrap()).collect();
    assert_eq!(addresses, ["functions.echo", "models.net", "endpoints.net"]);
    assert_eq!(comparison["differing"][2]["changes"][0]["path"], "variants.AllTraffic.count");
    assert_eq!((&comparison["only_from"], &comparison["only_to"]), (&json!([]), &json!([])));
    let run = project.offline(&["compare", "dev", "prod"]).expect(0);
    assert!(run.stdout.contains("variants.AllTraffic.count: 1 → 2"), "{}", run.stdout);
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
    let run = project.offline(&["compare", "dev", "dev"]).expect(0);
    assert!(run.stdout.contains("dev and dev say the same"), "{}", run.stdout);
}

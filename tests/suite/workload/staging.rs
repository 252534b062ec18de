//! `scones stage`: all of it once, nothing twice, the rest after an interruption, and nothing of a damaged archive.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{get, keys, put, puts, text, write_archive};
use crate::support::{Project, Run, assert_no_violations, plant, repository};

const FILE: &str = "environments/toy.yaml";

/// Of each of two classes 20 pictures to train with, each also as an augmented copy, and 10 to test with; four documents.
const ALL: usize = 2 * (20 * 2 + 10) + 4;

/// A project that has a bucket and stages into it.
fn project(app: &str) -> Project {
    let project = Project::of_text(&format!(
        r#"app: {app}
environment: toy
region: us-east-1
stacks:
  foundation:
    template: stacks/foundation.yaml
    parameters: {{ Application: "${{app}}", Environment: "${{environment}}", CaptureRetentionDays: 30 }}
    empty_on_destroy: true
staging:
  archive: {{ url: archive.tar.gz }}
  classes: {{ bicycle: 8, motorcycle: 48 }}
  to: "s3://${{stacks.foundation.DataBucket}}/staged"
  augment: {{ copies: 1, flip: true, shift: 2, seed: 42 }}
"#
    ))
    .destroyed_at_end("toy");
    project.write("stacks/foundation.yaml", &std::fs::read_to_string(repository().join("stacks/foundation.yaml")).unwrap());
    write_archive(&project.path("archive.tar.gz"), 20, 10);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    project
}

fn bucket(app: &str) -> String {
    format!("{app}-toy-data-123456789012-us-east-1")
}

/// Stages under a name of its own, so that the gateway tells what this run put.
fn stage(project: &Project, client: &str) -> Run {
    command(project, client).output().unwrap().into()
}

fn command(project: &Project, client: &str) -> Command {
    let mut command = project.command(&["stage", "toy"]);
    command.env("AWS_SDK_UA_APP_ID", client);
    command
}

/// A client's name that no run of the tests had before.
fn client(name: &str) -> String {
    format!("scones-{name}-{}", std::process::id())
}

/// (uploaded, unchanged), as the program says.
fn counts(run: &Run) -> (usize, usize) {
    let words: Vec<&str> = run.stdout.split_whitespace().collect();
    let unchanged = words.iter().position(|word| word.starts_with("unchanged")).unwrap();
    (words[0].parse().unwrap(), words[unchanged - 1].parse().unwrap())
}

#[test]
fn everything_is_uploaded_once() {
    let (project, bucket) = (project("stageall"), bucket("stageall"));
    let [first, second, third, fourth] = ["all-1", "all-2", "all-3", "all-4"].map(client);
    assert_eq!(counts(&stage(&project, &first).expect(0)), (ALL, 0));
    assert_eq!(puts(&first), ALL as u64);
    assert_eq!(keys(&bucket, "staged/").len(), ALL);
    for (list, folder, rows) in [("train.lst", "train", 80), ("test.lst", "test", 20)] {
        let list = text(&bucket, &format!("staged/{list}"));
        let files: Vec<&str> = list.lines().map(|line| line.rsplit('\t').next().unwrap()).collect();
        let there = keys(&bucket, &format!("staged/{folder}/"));
        assert_eq!((files.len(), there.len()), (rows, rows));
        assert!(files.iter().all(|file| there.contains(&format!("staged/{folder}/{file}"))), "{list}");
    }
    assert!(get(&bucket, &keys(&bucket, "staged/train/")[0]).starts_with(b"\x89PNG"));

    assert_eq!(counts(&stage(&project, &second).expect(0)), (0, ALL));
    assert_eq!(puts(&second), 0);

    // One picture is another, one is gone: these two and no more.
    let there = keys(&bucket, "staged/train/");
    put(&bucket, &there[0], "no picture");
    crate::support::wait(super::s3().delete_object().bucket(&bucket).key(&there[1]).send()).unwrap();
    assert_eq!(counts(&stage(&project, &third).expect(0)), (2, ALL - 2));
    assert_eq!(puts(&third), 2);
    assert!(get(&bucket, &there[0]).starts_with(b"\x89PNG"));

    // A picture of an earlier archive is named, and stays.
    put(&bucket, "staged/train/old.png", "old");
    let run = stage(&project, &fourth).expect(0);
    assert!(run.stdout.contains("such as train/old.png: --prune deletes them"), "{}", run.stdout);
    project.scones(&["stage", "toy", "--prune"]).expect(0);
    assert_eq!(keys(&bucket, "staged/").len(), ALL);
    assert_no_violations();
}

#[test]
fn an_interrupted_upload_goes_on() {
    let (project, bucket) = (project("stagecut"), bucket("stagecut"));
    for signal in ["INT", "KILL"] {
        project.edit(FILE, "/staged", &format!("/staged-{signal}"));
        let prefix = project.read(FILE).split("DataBucket}/").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let (cut, rest) = (client(&format!("cut-{signal}")), client(&format!("rest-{signal}")));
        // Slow enough to be caught half way.
        plant(&cut, json!([{ "service": "s3", "operation": "PutObject", "kind": "delay", "delay_ms": 100, "times": 10_000 }]));
        let mut child = command(&project, &cut).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while puts(&cut) < ALL as u64 / 2 {
            assert!(child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(30), "not caught half way");
            std::thread::sleep(Duration::from_millis(5));
        }
        Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        assert!(!child.wait().unwrap().success());
        let there = keys(&bucket, &format!("{prefix}/"));
        assert!(!there.is_empty() && there.len() < ALL, "{} of {ALL}", there.len());
        assert!(!there.iter().any(|key| key.ends_with(".lst")), "a list names pictures that are missing: {there:?}");

        let (uploaded, unchanged) = counts(&stage(&project, &rest).expect(0));
        assert_eq!((uploaded + unchanged, puts(&rest)), (ALL, uploaded as u64));
        assert!(unchanged >= there.len(), "{unchanged} of {} that were there", there.len());
        assert_eq!(keys(&bucket, &format!("{prefix}/")).len(), ALL);
    }
    assert_no_violations();
}

#[test]
fn a_damaged_archive_is_refused_before_the_first_upload() {
    let project = project("stagebad");
    let good = std::fs::read(project.path("archive.tar.gz")).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 0x55;
    let mut tail = good.clone();
    let end = tail.len() - 8;
    tail[end] ^= 1;
    let text = project.read(FILE);
    let declared = |more: &str| text.replace("url: archive.tar.gz", &format!("url: archive.tar.gz, {more}"));
    let digest = format!("sha256: {}", "0".repeat(64));
    let size = format!("size: {}", good.len() + 1);
    let cases: [(&str, &[u8], String, &[&str]); 7] = [
        ("truncated", &good[..good.len() * 9 / 10], text.clone(), &["get it again"]),
        ("flipped", &flipped, text.clone(), &["get it again"]),
        ("checksum", &tail, text.clone(), &["get it again"]),
        ("empty", b"", text.clone(), &["get it again"]),
        ("page", b"<html>not found</html>", text.clone(), &["get it again"]),
        ("digest", &good, declared(&digest), &["has the SHA-256", "is declared"]),
        ("size", &good, declared(&size), &["bytes, but", "are declared"]),
    ];
    for (name, bytes, file, words) in cases {
        std::fs::write(project.path("archive.tar.gz"), bytes).unwrap();
        project.write(FILE, &file);
        let client = client(&format!("bad-{name}"));
        let run = stage(&project, &client).expect(1);
        let said = words.iter().all(|word| run.stderr.contains(word));
        assert!(said && run.stderr.contains("archive.tar.gz"), "{name}: {}", run.stderr);
        assert_eq!(puts(&client), 0, "{name}: something was uploaded");
    }
    assert_eq!(keys(&bucket("stagebad"), "staged"), [""; 0]);
    assert_no_violations();
}

//! The script that keeps one pull request with what a promotion pins.

use std::process::Command;

use serde_json::json;

use super::Desk;
use crate::support::Run;

/// A clone of a repository with one environment file, in place of the checkout.
fn clone(desk: &Desk) {
    let git = |arguments: &[&str]| {
        let run: Run = Command::new("git").args(arguments).current_dir(desk.folder.path()).output().unwrap().into();
        run.expect(0)
    };
    std::fs::remove_dir_all(desk.at("checkout")).unwrap();
    git(&["init", "--quiet", "--bare", "--initial-branch=main", "origin"]);
    git(&["clone", "--quiet", "origin", "checkout"]);
    desk.put("checkout/prod.yaml", "pins: {}\n");
    let inside = ["-C", "checkout", "-c", "user.name=a", "-c", "user.email=a@b.example"];
    git(&[&inside[..], &["switch", "--quiet", "--create", "main"]].concat());
    git(&[&inside[..], &["add", "."]].concat());
    git(&[&inside[..], &["commit", "--quiet", "-m", "first"]].concat());
    git(&["-C", "checkout", "push", "--quiet", "origin", "main"]);
}

fn git(desk: &Desk, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(desk.at("checkout")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What GitHub has of the branch that promotes.
fn pushed(desk: &Desk) -> String {
    let at = git(desk, &["ls-remote", "origin", "scones/promote-dev-to-prod"]);
    at.split('\t').next().unwrap().to_owned()
}

#[test]
fn one_pull_request_promotes() {
    let fork = json!({
        "number": 3, "title": "x", "state": "open", "base": "main", "head": "scones/promote-dev-to-prod",
        "isCrossRepository": true, "body": "a fork's",
    });
    let desk = Desk::new(json!({ "pulls": [fork.clone()] }));
    clone(&desk);
    desk.scones("check", 2, "Not written.\n");
    desk.scones("promote", 0, "proven: 12 pictures\n```\n@team `$(touch pwned)`\n");
    desk.put("promote.sh", "echo 'pins: { classifier: a }' >prod.yaml");
    desk.script("promotion.sh", &["dev", "prod"]).expect(0);
    assert_eq!(desk.read("scones"), "promote dev prod --check\npromote dev prod\n");
    let pulls = desk.state()["pulls"].as_array().unwrap().clone();
    assert_eq!((pulls.len(), &pulls[0], pulls[1]["title"].as_str()), (2, &fork, Some("Promote dev to prod")));
    let body = pulls[1]["body"].as_str().unwrap();
    assert!(body.contains("````text\nproven: 12 pictures\n") && body.contains("`scones promote dev prod`"), "{body}");
    let first = pushed(&desk);
    git(&desk, &["fetch", "--quiet", "origin"]);
    assert_eq!(git(&desk, &["show", &format!("{first}:prod.yaml")]), "pins: { classifier: a }");
    assert_eq!(git(&desk, &["log", "-1", "--format=%s %an", &first]), "Promote dev to prod github-actions[bot]");

    // The same again moves no branch, so that no approval is lost; the body is brought up to date.
    git(&desk, &["switch", "--quiet", "main"]);
    desk.scones("promote", 0, "proven: 13 pictures\n");
    desk.script("promotion.sh", &["dev", "prod"]).expect(0);
    assert_eq!(pushed(&desk), first);
    let pulls = desk.state()["pulls"].as_array().unwrap().clone();
    assert!(pulls.len() == 2 && pulls[1]["body"].as_str().unwrap().contains("13 pictures"), "{pulls:#?}");

    // Another model runs by now.
    git(&desk, &["switch", "--quiet", "main"]);
    desk.put("promote.sh", "echo 'pins: { classifier: b }' >prod.yaml");
    desk.script("promotion.sh", &["dev", "prod"]).expect(0);
    assert_ne!(pushed(&desk), first);
    assert_eq!(desk.state()["pulls"].as_array().unwrap().len(), 2);

    // Nothing is left.
    git(&desk, &["switch", "--quiet", "main"]);
    desk.scones("check", 0, "Nothing to do.\n");
    desk.script("promotion.sh", &["dev", "prod"]).expect(0);
    let pulls = desk.state()["pulls"].as_array().unwrap().clone();
    assert_eq!(
        (&pulls[0], pulls[1]["state"].as_str(), pulls[1]["branch_deleted"].as_bool()),
        (&fork, Some("closed"), Some(true))
    );
}

#[test]
fn what_is_not_proven_leaves_the_pull_request_as_it_is() {
    let desk = Desk::new(json!({}));
    clone(&desk);
    for code in [1, 143] {
        desk.scones("check", code, "endpoints.classifier drifted\n");
        let run = desk.script("promotion.sh", &["dev", "prod"]).expect(code);
        assert!(run.stdout.contains("drifted") && run.stderr.contains("not promoted"), "{run:?}");
    }
    // Something to pin, and no edit: nothing is pushed.
    desk.scones("check", 2, "Not written.\n");
    desk.scones("promote", 0, "");
    desk.script("promotion.sh", &["dev", "prod"]).expect(1);
    // The edit failed.
    desk.scones("promote", 1, "");
    desk.script("promotion.sh", &["dev", "prod"]).expect(1);
    assert_eq!((desk.state()["pulls"].as_array().map_or(0, Vec::len), pushed(&desk)), (0, String::new()));
}

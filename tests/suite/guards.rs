//! What keeps an apply from doing more than was meant: targets, a limit to deletions, a policy of one's own.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::{Project, actions};

const TWO: &str = "app: APP\nenvironment: toy\naccount: \"123456789012\"\nregion: us-east-1\nroles:\n  one: { assumed_by: lambda.amazonaws.com }\n  two: { assumed_by: states.amazonaws.com }\nstate_machines:\n  flow: { definition: stacks/flow.asl.yaml, role: two }\n";

fn project(app: &str) -> Project {
    let project = Project::of_text(&TWO.replace("APP", app)).destroyed_at_end("toy");
    project.write("stacks/flow.asl.yaml", "StartAt: End\nStates:\n  End: { Type: Succeed }\n");
    project
}

fn planned(project: &Project, arguments: &[&str]) -> Vec<String> {
    let plan = project.scones(&[&["plan", "toy", "--format", "json", "--exit-zero"], arguments].concat()).expect(0).json();
    actions(&plan).into_iter().map(|(address, action)| format!("{action} {address}")).collect()
}

#[test]
fn targets_bring_what_they_need_and_nothing_else() {
    let project = project("targeted");
    assert_eq!(planned(&project, &["--target", "roles.one"]), ["create roles.one"]);
    assert_eq!(planned(&project, &["--target", "state_machines.flow"]), ["create roles.two", "create state_machines.flow"]);
    let text = project.scones(&["plan", "toy", "--target", "roles.one"]).expect(2).stdout;
    assert!(text.contains("2 more changes are left out by --target"), "{text}");
    let run = project.scones(&["plan", "toy", "--target", "roles.on"]).expect(1);
    assert!(
        run.stderr.contains("there is no such resource") && run.stderr.contains("did you mean `roles.one`?"),
        "{}",
        run.stderr
    );
    project.scones(&["plan", "toy", "--target", "nonsense"]).expect(1);

    project.scones(&["plan", "toy", "--target", "roles.one", "--out", "plan.json"]).expect(2);
    project.scones(&["apply", "plan.json", "--yes"]).expect(0);
    assert_eq!(planned(&project, &[]), ["create roles.two", "create state_machines.flow"]);
    project.scones(&["apply", "toy", "--target", "roles.two", "--yes"]).expect(0);
    assert_eq!(planned(&project, &[]), ["create state_machines.flow"]);
    // Of what is declared no more, too.
    let gone = project.read("environments/toy.yaml").split("roles:").next().unwrap().to_owned() + "roles: {}\n";
    project.write("environments/toy.yaml", &gone);
    assert_eq!(planned(&project, &["--prune", "--target", "roles.one"]), ["delete roles.one"]);
}

#[test]
fn more_deletions_than_allowed_are_refused() {
    let project = project("limited");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let gone = project.read("environments/toy.yaml").split("roles:").next().unwrap().to_owned() + "max_deletions: 1\n";
    project.write("environments/toy.yaml", &gone);
    let run = project.scones(&["apply", "toy", "--prune", "--yes"]).expect(1);
    assert!(run.stderr.contains("3 resources would be deleted or replaced, and `max_deletions` allows 1"), "{}", run.stderr);
    let run = project.scones(&["plan", "toy", "--prune"]).expect(1);
    assert!(run.stdout.contains("raise `max_deletions`"), "{}", run.stdout);
    project.scones(&["apply", "toy", "--prune", "--target", "state_machines.flow", "--yes"]).expect(0);
    project.write("environments/toy.yaml", &gone.replace("max_deletions: 1", "max_deletions: 2"));
    project.scones(&["apply", "toy", "--prune", "--yes"]).expect(0);
    assert_eq!(planned(&project, &["--prune"]), Vec::<String>::new());
    project.write("environments/toy.yaml", &gone.replace("max_deletions: 1", "max_deletions: -1"));
    project.scones(&["validate", "toy"]).expect(1);
    project.write("environments/toy.yaml", &gone);
}

#[test]
fn a_policy_of_ones_own_may_refuse_a_plan() {
    let project = project("policed");
    let program = |name: &str, text: &str| {
        project.write(name, text);
        std::fs::set_permissions(project.path(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("roles-only", "#!/bin/sh\nif grep -q '\"address\": \"state_machines'; then echo 'no workflows here'; exit 7; fi\n");
    program("careless", "#!/bin/sh\nexit 0\n");
    let run = project.scones(&["plan", "toy", "--policy", "./roles-only", "--out", "plan.json"]).expect(1);
    assert!(
        run.stderr.contains("no workflows here") && run.stderr.contains("refuses this plan: it ended with 7"),
        "{}",
        run.stderr
    );
    assert!(!project.path("plan.json").exists());
    let run = project.scones(&["apply", "toy", "--policy", "./roles-only", "--yes"]).expect(1);
    assert!(run.stderr.contains("refuses this plan"), "{}", run.stderr);
    assert_eq!(planned(&project, &[]).len(), 3);
    let run = project.scones(&["plan", "toy", "--policy", "./nowhere"]).expect(1);
    assert!(run.stderr.contains("cannot be asked"), "{}", run.stderr);
    // One that does not read its input at all is heard as well.
    project.scones(&["plan", "toy", "--policy", "./careless"]).expect(2);
    project.scones(&["apply", "toy", "--policy", "./roles-only", "--target", "roles.one", "--yes"]).expect(0);
    project.scones(&["plan", "toy", "--out", "plan.json"]).expect(2);
    project.scones(&["apply", "plan.json", "--policy", "./roles-only", "--yes"]).expect(1);
}

//! Differences that are left alone until a day: not shown as changes, not undone, and told all the same.

use serde_json::json;

use crate::support::{Project, assert_no_violations, changes, sdk, wait};

const RULES: &str = "\nignore:
  - { path: \"functions.echo:memory\", reason: load test, until: 2999-01-31 }
  - { path: \"functions.echo:alias\", reason: load test, until: 2999-01-31 }
  - { path: \"functions.echo:environment.EXTRA\", reason: set by the vendor, until: 2999-01-31 }
  - { path: \"roles.run:managed_policies\", reason: audit, until: 2999-01-31 }
  - { path: \"alarms.errors\", reason: being tuned, until: 2999-01-31 }
";

fn lambda() -> aws_sdk_lambda::Client {
    aws_sdk_lambda::Client::new(sdk())
}

fn configuration(function: &str) -> (i32, i32, Option<String>) {
    let found = wait(lambda().get_function_configuration().function_name(function).send()).unwrap();
    let extra = found.environment.and_then(|environment| environment.variables?.remove("EXTRA"));
    (found.memory_size.unwrap(), found.timeout.unwrap(), extra)
}

fn tamper() {
    let variables = aws_sdk_lambda::types::Environment::builder().variables("GREETING", "hello").variables("EXTRA", "secret");
    let update = lambda().update_function_configuration().function_name("ignored-toy-echo").memory_size(512);
    wait(update.environment(variables.build()).send()).unwrap();
    let policy = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let iam = aws_sdk_iam::Client::new(sdk());
    wait(iam.attach_role_policy().role_name("ignored-toy-run").policy_arn(policy).send()).unwrap();
}

#[test]
fn what_is_ignored_is_told_and_left_alone() {
    let project = Project::from_fixture("toy", "ignored").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    tamper();
    let text = project.read("environments/toy.yaml");
    project.write("environments/toy.yaml", &format!("{text}{RULES}"));

    let drift = project.scones(&["drift", "toy"]).expect(0).stdout;
    for words in ["functions.echo:memory", "is 512, declared 128", "until 2999-01-31: load test", "No drift"] {
        assert!(drift.contains(words), "{words}: {drift}");
    }
    assert!(!drift.contains("secret"), "{drift}");
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(0).json();
    assert_eq!(plan["summary"]["ignored"], 4, "{:#}", plan["ignored"]);

    // A change of something else leaves it as it is, hidden values too.
    project.edit("environments/toy.yaml", "    memory: 128", "    memory: 128\n    timeout: 9s");
    let plan = project.scones(&["plan", "toy", "--format", "json"]).expect(2).json();
    assert_eq!(changes(&plan), [("functions.echo".to_owned(), "timeout".to_owned())]);
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(configuration("ignored-toy-echo"), (512, 9, Some("secret".to_owned())));
    project.scones(&["plan", "toy"]).expect(0);

    // Once its day has passed it counts again, and as what it is: a change from outside.
    project.edit("environments/toy.yaml", "load test, until: 2999-01-31", "load test, until: 2020-01-31");
    let run = project.scones(&["drift", "toy"]).expect(2);
    assert!(run.stdout.contains("functions.echo:memory") && run.stdout.contains("no more since 2020-01-31"), "{}", run.stdout);
    let drift = project.scones(&["drift", "toy", "--format", "json"]).expect(2).json();
    let memory = drift["steps"][0]["changes"].as_array().unwrap().iter().find(|change| change["path"] == "memory").unwrap();
    assert_eq!(*memory, json!({ "path": "memory", "from": 512, "to": 128, "cause": "drifted" }));
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    assert_eq!(configuration("ignored-toy-echo"), (128, 9, Some("secret".to_owned())));
    assert_no_violations();
}

#[test]
fn a_whole_resource_can_be_left_alone_but_not_its_absence() {
    let project = Project::from_fixture("toy", "alone").destroyed_at_end("toy");
    project.scones(&["apply", "toy", "--yes"]).expect(0);
    let text = project.read("environments/toy.yaml");
    project.write("environments/toy.yaml", &format!("{text}{RULES}"));
    project.edit("environments/toy.yaml", "    threshold: 0\n", "    threshold: 7\n");
    project.scones(&["plan", "toy"]).expect(0);
    let cloudwatch = aws_sdk_cloudwatch::Client::new(sdk());
    wait(cloudwatch.delete_alarms().alarm_names("alone-toy-errors").send()).unwrap();
    project.scones(&["drift", "toy"]).expect(2);
}

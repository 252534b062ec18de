//! Bad input gets a clear error with its place, within seconds, and nothing is changed.

mod monitors;
mod resources;
mod schedules;
mod surroundings;

use std::time::{Duration, Instant};

use crate::support::{Project, Run};

const HEAD: &str = "app: toy\nenvironment: toy\naccount: \"123456789012\"\nregion: us-east-1\n";

/// Validates a file made of the usual head and the text given.
#[track_caller]
fn refused(text: &str) -> Run {
    let project = Project::of_text(&format!("{HEAD}{text}"));
    project.write("main.yaml", "Resources: { T: { Type: AWS::SNS::Topic } }\n");
    project.write("app/main.py", "def handler(event, context):\n    return event\n");
    let begun = Instant::now();
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

/// Each case: the text, the place the error must name, and words it must hold.
#[track_caller]
fn says(text: &str, place: &str, words: &[&str]) {
    let run = refused(text);
    assert!(run.stderr.contains(place), "{place} is not in\n{}", run.stderr);
    for word in words {
        assert!(run.stderr.contains(word), "{word:?} is not in\n{}", run.stderr);
    }
}

#[test]
fn unknown_and_misspelt_keys_name_the_nearest() {
    says("regoin: x\n", "toy.yaml:5:1", &["regoin", "did you mean `region`?"]);
    says(
        "roles:\n  run: { assumed_by: lambda.amazonaws.com, descripton: x }\n",
        "toy.yaml:6:44",
        &["did you mean `description`?"],
    );
    says("roles:\n  run: { assumed_by: lambda.amazonaws.com, zebra: x }\n", "toy.yaml:6:44", &["known keys", "boundary"]);
}

#[test]
fn duplicate_keys_show_both_places() {
    says(
        "roles:\n  run: { assumed_by: lambda.amazonaws.com }\n  run: { assumed_by: lambda.amazonaws.com }\n",
        "toy.yaml:7:3",
        &["twice", "the first is here"],
    );
}

#[test]
fn wrong_types_say_what_belongs_there() {
    says("tags: [a]\n", "toy.yaml:5:7", &["a list", "a mapping belongs here"]);
    says("pins: { a: 012 }\nassume_role: 5\n", "toy.yaml:6:14", &["put it in quotes"]);
    says("protect: \"yes\"\n", "toy.yaml:5:10", &["true or false"]);
}

#[test]
fn several_errors_come_in_one_run() {
    let run = refused("regoin: x\nprotect: 1\nroles:\n  run: { assumd_by: x }\n");
    for place in ["toy.yaml:5:1", "toy.yaml:6:10", "toy.yaml:8:10"] {
        assert!(run.stderr.contains(place), "{place} is not in\n{}", run.stderr);
    }
    assert!(run.stderr.contains("3 errors found; nothing was changed"), "{}", run.stderr);
}

#[test]
fn dangling_references_are_found_at_their_column() {
    let role = |resource: &str| {
        format!(
            "roles:\n  run:\n    assumed_by: lambda.amazonaws.com\n    allow:\n      - {{ actions: [\"s3:GetObject\"], resources: [\"x${{{resource}}}\"] }}\n"
        )
    };
    says(&role("roles.rum.arn"), "toy.yaml:9:52", &["roles.rum is not declared", "did you mean `run`?"]);
    says(&role("roles.run.arm"), "toy.yaml:9:52", &["no attribute `arm`", "did you mean `arn`?"]);
    says(&role("rolls.run.arn"), "toy.yaml:9:52", &["leads nowhere", "did you mean `roles`?"]);
    says(&role("environmnt"), "toy.yaml:9:52", &["did you mean `environment`?"]);
}

#[test]
fn differences_to_ignore_have_a_place_a_reason_and_an_end() {
    let role = "roles:\n  run: { assumed_by: lambda.amazonaws.com }\n";
    let rule = |rule: &str| format!("ignore:\n  - {rule}\n{role}");
    says(&rule("{ path: roles.run, reason: x }"), "toy.yaml:6:5", &["`until` is missing"]);
    says(&rule("{ path: roles.run, until: 2027-01-31 }"), "toy.yaml:6:5", &["`reason` is missing"]);
    says(&rule("{ path: roles.rum, reason: x, until: 2027-01-31 }"), "toy.yaml:6:13", &["did you mean `roles.run`?"]);
    says(
        &rule("{ path: \"roles.run:descripton\", reason: x, until: 2027-01-31 }"),
        "toy.yaml:6:13",
        &["did you mean `description`?"],
    );
    says(&rule("{ path: roles.run, reason: x, until: 2027-02-30 }"), "toy.yaml:6:", &["is no day"]);
    says(&rule("{ path: roles.run, reason: x, until: soon }"), "toy.yaml:6:", &["has not the right form"]);
}

#[test]
fn outputs_that_no_template_has_are_dangling() {
    let text = "stacks:\n  base: { template: main.yaml }\nroles:\n  run:\n    assumed_by: lambda.amazonaws.com\n    description: \"${stacks.base.Nothing}\"\n";
    says(text, "toy.yaml:10:19", &["stacks.base has no output `Nothing`"]);
}

#[test]
fn a_true_cycle_shows_its_path() {
    let project = Project::of_text(&format!(
        "{HEAD}stacks:\n  a: {{ template: t.yaml, parameters: {{ In: \"${{stacks.b.Out}}\" }} }}\n  b: {{ template: t.yaml, parameters: {{ In: \"${{stacks.a.Out}}\" }} }}\n"
    ));
    project.write("t.yaml", "Parameters: { In: { Type: String } }\nResources: { T: { Type: AWS::SNS::Topic } }\nOutputs: { Out: { Value: !Ref T } }\n");
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("stacks.a → stacks.b → stacks.a"), "{}", run.stderr);
}

#[test]
fn extending_oneself_goes_round() {
    let project = Project::of_text("extends: toy.yaml\napp: toy\n");
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("goes round") && run.stderr.contains("toy.yaml:1:10"), "{}", run.stderr);
    project.write("environments/toy.yaml", "extends: other.yaml\n");
    project.write("environments/other.yaml", "extends: toy.yaml\n");
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("environments/toy.yaml → environments/other.yaml → environments/toy.yaml"), "{}", run.stderr);
}

#[test]
fn hostile_files_are_refused_quickly() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{inner}]\n");
    }
    says(&bomb, "toy.yaml:", &["once its aliases are expanded"]);
    says(&format!("tags: {}{}\n", "[".repeat(5000), "]".repeat(5000)), "toy.yaml:5:", &["deep"]);
    says(
        &format!("tags:\n{}", (0..300).map(|depth| format!("{}a:\n", " ".repeat(depth + 1))).collect::<String>()),
        "toy.yaml:",
        &[],
    );
    says("tags: { a: *b }\n", "toy.yaml:5:", &[]);
    says("tags: { a: \"unclosed }\n", "toy.yaml:", &["not YAML"]);
    says("tags: !!python/object:os.system { a: b }\n", "toy.yaml:5:", &["tag"]);
    says("---\nx: 1\n", "toy.yaml:", &["second document"]);
}

#[test]
fn large_files_are_not_even_read() {
    let project = Project::of_text("");
    let file = std::fs::File::create(project.path("environments/toy.yaml")).unwrap();
    file.set_len(60 << 20).unwrap();
    let begun = Instant::now();
    let run = project.offline(&["validate", "toy"]).expect(1);
    assert!(run.stderr.contains("62914560 bytes") && begun.elapsed() < Duration::from_secs(2), "{}", run.stderr);
}

#[test]
fn what_is_no_mapping_or_no_text() {
    for (bytes, words) in [
        (&b"- a\n"[..], "a mapping belongs here"),
        (b"", "a mapping belongs here"),
        (b"\xff\xfe", "not UTF-8"),
        (b"\0", "toy.yaml"),
    ] {
        let project = Project::of_text("");
        std::fs::write(project.path("environments/toy.yaml"), bytes).unwrap();
        let run = project.offline(&["validate", "toy"]).expect(1);
        assert!(run.stderr.contains(words) && !run.stderr.contains("panicked"), "{}", run.stderr);
    }
}

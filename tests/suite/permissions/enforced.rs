//! A cloud that enforces permissions: what is printed is enough there, and each action of it is needed.

use serde_json::Value;

use super::{actions_sent, change_tags, client, printed, project};
use crate::support::{Cloud, Project, Run, ask, wait};

/// Reads whose refusal is no error: who plans need not be able to read artifacts.
const FORGIVEN: &[&str] = &["s3:GetObject"];

struct Enforcing(Cloud);

/// A user's credentials.
struct Keys {
    id: String,
    secret: String,
}

impl Enforcing {
    fn up() -> Self {
        Self(Cloud::up(&["--enforce"]))
    }

    /// A user who has one policy.
    fn user(&self, name: &str, policy: &Value) -> Keys {
        let iam = aws_sdk_iam::Client::new(&self.0.sdk);
        wait(async {
            let made = iam.create_policy().policy_name(name).policy_document(policy.to_string()).send().await.unwrap();
            iam.create_user().user_name(name).send().await.unwrap();
            let arn = made.policy.unwrap().arn.unwrap();
            iam.attach_user_policy().user_name(name).policy_arn(arn).send().await.unwrap();
            let key = iam.create_access_key().user_name(name).send().await.unwrap().access_key.unwrap();
            Keys { id: key.access_key_id, secret: key.secret_access_key }
        })
    }

    fn scones(&self, project: &Project, keys: &Keys, client: &str, arguments: &[&str]) -> Run {
        let mut command = project.command(arguments);
        command.envs(&self.0.env).env("AWS_ACCESS_KEY_ID", &keys.id).env("AWS_SECRET_ACCESS_KEY", &keys.secret);
        command.env("AWS_SDK_UA_APP_ID", client).output().unwrap().into()
    }
}

fn lacking(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    let statements = policy["Statement"].as_array_mut().unwrap();
    for statement in statements.iter_mut() {
        statement["Action"].as_array_mut().unwrap().retain(|one| one != action);
    }
    statements.retain(|statement| !statement["Action"].as_array().unwrap().is_empty());
    policy
}

#[test]
fn what_is_printed_is_enough_and_each_action_is_needed() {
    let cloud = Enforcing::up();
    let project = project("enforced");
    let applier = cloud.user("applier", &printed(&project, "toy", "apply"));
    let apply = |arguments: &[&str]| cloud.scones(&project, &applier, &client("enforced-apply"), arguments);
    apply(&["apply", "toy", "--yes"]).expect(0);
    project.edit("environments/toy.yaml", "memory: 128", "memory: 256");
    project.edit("environments/toy.yaml", "description: Runs all of it", "description: Runs everything");
    apply(&["apply", "toy", "--yes"]).expect(0);

    let policy = printed(&project, "toy", "drift");
    let reader = cloud.user("reader", &policy);
    let read = |arguments: &[&str]| cloud.scones(&project, &reader, &client("enforced-drift"), arguments);
    read(&["drift", "toy"]).expect(0);
    wait(change_tags(&cloud.0.sdk, "enforced"));
    read(&["drift", "toy"]).expect(2);
    let refused = read(&["apply", "toy", "--yes"]).expect(1);
    assert!(refused.stderr.contains("allow "), "{}", refused.stderr);
    let cost =
        ask(&cloud.0.env["AWS_ENDPOINT_URL"], "GET", &format!("/__cloud__/cost?user_agent={}", client("enforced-drift")), "");
    let needed: Vec<String> = super::allowed(&policy)
        .intersection(&actions_sent(&cost))
        .filter(|action| !FORGIVEN.contains(&action.as_str()))
        .cloned()
        .collect();
    assert!(needed.len() >= 35, "{needed:?}");
    for action in needed {
        let name = action.replace(':', "-");
        let keys = cloud.user(&name, &lacking(&policy, &action));
        let run = cloud.scones(&project, &keys, &client(&name), &["drift", "toy"]);
        assert_eq!(run.code, 1, "without {action}: {}{}", run.stdout, run.stderr);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains(&action), "{action} is not named: {said}");
    }

    apply(&["apply", "toy", "--yes"]).expect(0);
    apply(&["destroy", "toy", "--yes"]).expect(0);
}

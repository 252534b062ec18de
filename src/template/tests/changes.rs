//! What changes of templates and parameters do to resources.

use serde_json::{Value, json};

use super::{foundation, given};
use crate::template::{replaced_by, resource_changes};

/// Changes the foundation, and returns what that does: `id: action replacement [properties]`.
fn changed(old: &[(&str, &str)], new: &[(&str, &str)], edit: impl Fn(&mut Value)) -> Vec<String> {
    let mut edited = foundation();
    edit(&mut edited);
    resource_changes(&foundation(), &edited, &given(old), &given(new))
        .iter()
        .map(|c| format!("{}: {:?} {:?} [{}]", c.logical_id, c.action, c.replacement, c.properties.join(" ")))
        .collect()
}

#[test]
fn sees_no_change_where_nothing_changes() {
    let app = [("Application", "shop")];
    assert_eq!(changed(&app, &app, |_| {}), Vec::<String>::new());
    assert_eq!(changed(&app, &[("Application", "shop"), ("Days", "30")], |_| {}), Vec::<String>::new());
    // Another way to write the same.
    let rewrite = |template: &mut Value| {
        template["Resources"]["Topic"]["Properties"]["TopicName"] = json!({ "Fn::Sub": "${Application}-alarms" });
        template["Resources"]["Policy"]["Properties"]["PolicyDocument"]["Statement"][0]["Resource"][1] =
            json!({ "Fn::Join": ["/", [{ "Fn::GetAtt": "Bucket.Arn" }, "*"]] });
    };
    assert_eq!(changed(&app, &app, rewrite), Vec::<String>::new());
}

#[test]
fn sees_what_comes_goes_and_changes() {
    let app = [("Application", "shop")];
    let edit = |template: &mut Value| {
        template["Resources"]["New"] = json!({ "Type": "AWS::SNS::Topic" });
        template["Resources"]["Bucket"]["DeletionPolicy"] = json!("Delete");
        template["Resources"]["Instance"]["Properties"] = json!({ "ImageId": "x" });
        if let Some(resources) = template["Resources"].as_object_mut() {
            resources.remove("Topic");
        }
    };
    let expected =
        ["Bucket: Modify No [DeletionPolicy]", "Instance: Modify Maybe [ImageId]", "New: Add No []", "Topic: Remove No []"];
    assert_eq!(changed(&app, &app, edit), expected);
    let retyped = |template: &mut Value| template["Resources"]["Instance"]["Type"] = json!("AWS::SNS::Topic");
    assert_eq!(changed(&app, &app, retyped), ["Instance: Modify Yes [Type]"]);
}

#[test]
fn follows_changed_parameters_and_replacements() {
    let old = [("Application", "shop")];
    let days = [("Application", "shop"), ("Days", "7")];
    assert_eq!(changed(&old, &days, |_| {}), ["Bucket: Modify No [LifecycleConfiguration]"]);
    let renamed = [("Application", "store")];
    let expected =
        ["Bucket: Modify Yes [BucketName]", "Policy: Modify Maybe [Bucket PolicyDocument]", "Topic: Modify Yes [TopicName]"];
    assert_eq!(changed(&old, &renamed, |_| {}), expected);
    let prod = [("Application", "shop"), ("Stage", "prod")];
    assert_eq!(changed(&old, &prod, |_| {}), ["Unnamed: Add No []"]);
}

#[test]
fn knows_what_replaces_a_resource() {
    assert_eq!(replaced_by("AWS::SNS::TopicPolicy"), Some(&[][..]));
    assert!(replaced_by("AWS::S3::Bucket").is_some_and(|names| names.contains(&"BucketName")));
    assert_eq!(replaced_by("AWS::EC2::Instance"), None);
}

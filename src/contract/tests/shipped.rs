//! The shipped workflow, and what is found when it is spoilt.

use super::*;

fn classify() -> Value {
    read("stacks/classify.asl.yaml")
}

/// The role's policy, as the environment file has it.
fn policy() -> Value {
    let base = read("environments/base.yaml");
    let allow = base["roles"]["workflow"]["allow"].as_array().expect("the role allows").iter();
    let statements: Vec<Value> =
        allow.map(|allow| json!({ "Effect": "Allow", "Action": allow["actions"], "Resource": allow["resources"] })).collect();
    resolved(&json!({ "Version": "2012-10-17", "Statement": statements }))
}

#[test]
fn fits_together() {
    let policies = [policy()];
    let role = Role { name: "workflow", policies: &policies };
    assert_eq!(shown(&findings(&classify(), Some(role))), Vec::<String>::new());
}

#[test]
fn fits_whatever_is_known() {
    let source = classify();
    let definition = resolved(&source);
    let mut known = functions();
    known[1].contract = None;
    let of = |functions: &[Function]| {
        check(&Workflow {
            definition: &definition,
            source: &source,
            functions,
            input: None,
            largest_input: None,
            largest_picture: None,
            role: None,
        })
    };
    for functions in [&functions()[..], &known, &[]] {
        assert_eq!(shown(&of(functions)), Vec::<String>::new());
    }
}

type Row = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);

/// What is changed (place, JSON; nothing takes away), where a finding must be, and a word of it.
const SPOILT: &[Row] = &[
    // Errors.
    (
        "the error's name in capitals",
        &[("States/FilterInferenceResult/Catch/0/ErrorEquals/0", r#""THRESHOLD_CONFIDENCE_NOT_MET""#)],
        "States.FilterInferenceResult.Catch.0.ErrorEquals.0",
        "never raises `THRESHOLD_CONFIDENCE_NOT_MET`",
    ),
    (
        "the error's name in other case",
        &[("States/SerializeImageData/Catch/0/ErrorEquals/1", r#""imageNotFound""#)],
        "States.SerializeImageData.Catch.0.ErrorEquals.1",
        "did you mean `ImageNotFound`?",
    ),
    (
        "an error of another function",
        &[("States/SerializeImageData/Retry/1/ErrorEquals/0", r#""ModelFailed""#)],
        "States.SerializeImageData.Retry.1.ErrorEquals.0",
        "`serialize-image-data` never raises `ModelFailed`",
    ),
    (
        "an error of the language",
        &[("States/FilterInferenceResult/Catch/1/ErrorEquals/0", r#""TypeError""#)],
        "States.FilterInferenceResult.Catch.1.ErrorEquals.0",
        "its errors are InvalidInput",
    ),
    (
        "a misspelt error of Lambda",
        &[("States/ImageClassification/Retry/0/ErrorEquals/0", r#""Lambda.ServiceExceptions""#)],
        "States.ImageClassification.Retry.0.ErrorEquals.0",
        "`Lambda.ServiceException`",
    ),
    (
        "nothing catches the outcome",
        &[("States/FilterInferenceResult/Catch", "[]")],
        "States.FilterInferenceResult",
        "nothing catches it",
    ),
    (
        "the outcome ends as a failure",
        &[("States/FilterInferenceResult/Catch/0", "")],
        "States.FilterInferenceResult",
        "count as failed",
    ),
    // Fields.
    (
        "the answer is passed on whole",
        &[("States/SerializeImageData/OutputPath", r#""$.Payload""#)],
        "States.ImageClassification.Parameters",
        "`image_data`, `s3_bucket`, `s3_key`, and its event has `body`, `statusCode`",
    ),
    (
        "the wrapping is passed on too",
        &[("States/SerializeImageData/OutputPath", "")],
        "States.ImageClassification.Parameters",
        "pass on the answer's body alone",
    ),
    (
        "a misspelt field",
        &[("States/SerializeImageData/OutputPath", r#""$.Payload.bdy""#)],
        "States.SerializeImageData.OutputPath",
        "did you mean `body`?",
    ),
    (
        "a field of the plain answer",
        &[("States/SerializeImageData/OutputPath", r#""$.body""#)],
        "States.SerializeImageData.OutputPath",
        "`Payload`",
    ),
    (
        "the payload is left out",
        &[("States/SerializeImageData/Parameters/Payload.$", "")],
        "States.SerializeImageData.Parameters",
        "its event has no field",
    ),
    (
        "the payload has fields of other names",
        &[
            ("States/SerializeImageData/Parameters/Payload.$", ""),
            ("States/SerializeImageData/Parameters/Payload", r#"{ "bucket.$": "$.s3_bucket", "key.$": "$.s3_key" }"#),
        ],
        "States.SerializeImageData.Parameters",
        "its event has `bucket`, `key`",
    ),
    (
        "the first input has no such field",
        &[("States/SerializeImageData/Parameters/Payload.$", r#""$.body""#)],
        "States.SerializeImageData.Parameters.Payload.$",
        "only `s3_bucket`, `s3_key`",
    ),
    (
        "the error replaces the input",
        &[("States/FilterInferenceResult/Catch/0/ResultPath", "")],
        "States.BelowThreshold.Parameters.s3_bucket.$",
        "only `Cause`, `Error`",
    ),
    (
        "the error is put elsewhere",
        &[("States/FilterInferenceResult/Catch/0/ResultPath", r#""$.failure""#)],
        "States.BelowThreshold.Parameters.cause.$",
        "reads `error`",
    ),
    (
        "the error is not kept",
        &[("States/FilterInferenceResult/Catch/2/ResultPath", "null")],
        "States.ClassificationFailed.ErrorPath",
        "lacks on one of the ways",
    ),
    (
        "a misspelt field of the error",
        &[("States/PictureRejected/CausePath", r#""$.error.cause""#)],
        "States.PictureRejected.CausePath",
        "did you mean `Cause`?",
    ),
    (
        "a field that was dropped on the way",
        &[
            ("States/ImageClassification/OutputPath", ""),
            ("States/ImageClassification/ResultSelector", r#"{ "inferences.$": "$.Payload.body.inferences" }"#),
        ],
        "States.FilterInferenceResult.Parameters",
        "`s3_bucket`, `s3_key`, and its event has `inferences`",
    ),
    (
        "the classification is skipped",
        &[("States/SerializeImageData/Next", r#""FilterInferenceResult""#)],
        "States.BelowThreshold.Parameters.variant.$",
        "reads `variant`",
    ),
    // Functions and accounts.
    (
        "whatever was uploaded last",
        &[("States/SerializeImageData/Parameters/FunctionName", r#""${functions.serialize-image-data.arn}:$LATEST""#)],
        "States.SerializeImageData.Parameters.FunctionName",
        "${functions.serialize-image-data.version_arn}",
    ),
    (
        "no version",
        &[("States/ImageClassification/Parameters/FunctionName", r#""${functions.image-classification.arn}""#)],
        "States.ImageClassification.Parameters.FunctionName",
        "without a version or alias",
    ),
    (
        "the function's name alone",
        &[("States/ImageClassification/Parameters/FunctionName", r#""scones-unlimited-dev-image-classification""#)],
        "States.ImageClassification.Parameters.FunctionName",
        "${functions.image-classification.version_arn}",
    ),
    (
        "an account",
        &[(
            "States/FilterInferenceResult/Parameters/FunctionName",
            r#""arn:aws:lambda:us-east-1:123456789012:function:scones-unlimited-dev-filter-inference-result:live""#,
        )],
        "States.FilterInferenceResult.Parameters.FunctionName",
        "the account 123456789012",
    ),
    // Sizes.
    (
        "the picture twice",
        &[
            ("States/SerializeImageData/OutputPath", ""),
            (
                "States/SerializeImageData/ResultSelector",
                r#"{ "body.$": "$.Payload.body", "copy.$": "$.Payload.body.image_data" }"#,
            ),
            ("States/ImageClassification/Parameters/Payload.$", r#""$.body""#),
        ],
        "States.SerializeImageData",
        "up to 48",
    ),
    (
        "all inputs are kept",
        &[
            ("States/SerializeImageData/OutputPath", r#""$.Payload""#),
            (
                "States/ImageClassification/Parameters/Payload",
                r#"{ "image_data.$": "$.body.image_data", "s3_bucket.$": "$", "s3_key.$": "$" }"#,
            ),
            ("States/ImageClassification/Parameters/Payload.$", ""),
        ],
        "States.ImageClassification",
        "hands over up to",
    ),
];

#[test]
fn each_change_for_the_worse_is_found() {
    let mut missed = Vec::new();
    for (what, changes, place, word) in SPOILT {
        let mut source = classify();
        for (place, json) in *changes {
            let value = (!json.is_empty()).then(|| serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}")));
            change(&mut source, place, value);
        }
        let found = findings(&source, None);
        if !found.iter().any(|finding| finding.path.join(".") == *place && finding.to_string().contains(word)) {
            missed.push(format!("{what}: {:#?}", shown(&found)));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn the_role_must_reach_each_function() {
    type Case = (&'static str, fn(&mut Value));
    let cases: [Case; 5] = [
        ("no statement", |policy| policy["Statement"][0]["Action"] = json!(["lambda:GetFunction"])),
        ("not this function", |policy| change(policy, "Statement/0/Resource/1", None)),
        ("not its versions", |policy| {
            let text = policy.to_string().replace("image-classification:*", "image-classification");
            *policy = serde_json::from_str(&text).expect("it is JSON");
        }),
        ("only an alias", |policy| {
            let text = policy.to_string().replace("image-classification:*", "image-classification:live");
            *policy = serde_json::from_str(&text).expect("it is JSON");
        }),
        ("denied", |policy| {
            let deny = json!({ "Effect": "Deny", "Action": "lambda:*", "Resource": format!("{}*", arn("image-classification")) });
            policy["Statement"].as_array_mut().expect("a list").push(deny);
        }),
    ];
    for (what, spoil) in cases {
        let mut policies = [policy()];
        spoil(&mut policies[0]);
        let found = findings(&classify(), Some(Role { name: "workflow", policies: &policies }));
        let hit = |finding: &Finding| {
            finding.path.join(".") == "States.ImageClassification.Resource"
                && finding.to_string().contains("the role `workflow` lacks what this task needs: `lambda:InvokeFunction`")
        };
        assert!(found.iter().any(hit), "{what}: {:#?}", shown(&found));
    }
    let mut policies = [policy()];
    policies[0]["Statement"][0]["Resource"] = json!([format!("arn:aws:lambda:*:*:function:scones-*")]);
    policies[0]["Statement"][0]["Action"] = json!("LAMBDA:Invoke*");
    assert!(findings(&classify(), Some(Role { name: "workflow", policies: &policies })).is_empty());
}

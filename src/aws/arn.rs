//! The parts of ARNs.

/// The service of an ARN: `iam`, `lambda`, `sagemaker`…
pub fn service(arn: &str) -> &str {
    arn.split(':').nth(2).unwrap_or_default()
}

/// What stands after the account: `function:name`, `role/path/name`, `endpoint/name`.
pub fn resource(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or_default()
}

/// The resource's name if the ARN is of the service and resource type given: `name("…:endpoint/x", "sagemaker", "endpoint/")`.
pub fn name<'a>(arn: &'a str, wanted_service: &str, prefix: &str) -> Option<&'a str> {
    (service(arn) == wanted_service).then(|| resource(arn).strip_prefix(prefix)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_arns_apart() {
        let alarm = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a:b/c";
        assert_eq!(service(alarm), "cloudwatch");
        assert_eq!(name(alarm, "cloudwatch", "alarm:"), Some("a:b/c"));
        assert_eq!(name("arn:aws:sagemaker:r:1:endpoint-config/x", "sagemaker", "endpoint/"), None);
        assert_eq!(resource("nonsense"), "");
    }
}

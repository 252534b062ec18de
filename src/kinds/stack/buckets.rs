//! Empties the buckets of stacks that are to be deleted.

use aws_sdk_cloudformation::types::{ResourceStatus, Stack as Described, TemplateStage};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use serde_json::Value;

use super::live::id;
use super::text;
use crate::aws::{Aws, AwsError, Optional};

/// Sees to it that no bucket of a stack keeps it from being deleted. Says whether any was emptied.
///
/// Buckets that the template retains are left alone.
///
/// # Errors
/// A bucket that holds something without leave to empty it; a stack that others import from.
pub async fn prepare(aws: &Aws, described: &Described, may_empty: bool) -> Result<bool, AwsError> {
    let stack = id(described);
    let mut found = vec![];
    for bucket in deleted_with(aws, stack).await? {
        if holds_something(aws, &bucket).await? {
            found.push(bucket);
        }
    }
    if let Some(bucket) = found.first().filter(|_| !may_empty) {
        let message = format!(
            "the bucket {bucket} is not empty: declare `empty_on_destroy: true` for the stack, apply, and delete it then; \
             or empty the bucket"
        );
        return Err(AwsError::unexpected("cloudformation:DeleteStack", stack, message));
    }
    if !found.is_empty() {
        refuse_if_used(aws, described).await?;
    }
    for bucket in &found {
        delete_versions(aws, bucket).await?;
        abort_uploads(aws, bucket).await?;
    }
    Ok(!found.is_empty())
}

/// Refuses where CloudFormation would refuse to delete the stack, but only once its buckets were empty: other stacks
/// import what it exports.
async fn refuse_if_used(aws: &Aws, described: &Described) -> Result<(), AwsError> {
    const OPERATION: &str = "cloudformation:ListImports";
    for export in described.outputs().iter().filter_map(|output| output.export_name()) {
        let importers = match aws.call(OPERATION, export, aws.cloudformation().list_imports().export_name(export).send()).await {
            Ok(answer) => answer.imports.unwrap_or_default(),
            Err(error) if error.message.contains("not imported") => continue,
            Err(error) => return Err(error),
        };
        if !importers.is_empty() {
            let message = format!("its export {export} is imported by {}: delete that first", importers.join(", "));
            return Err(AwsError::unexpected("cloudformation:DeleteStack", id(described), message));
        }
    }
    Ok(())
}

/// The stack's buckets that go with it.
async fn deleted_with(aws: &Aws, stack: &str) -> Result<Vec<String>, AwsError> {
    let mut buckets = vec![];
    let mut next = None;
    loop {
        let request = aws.cloudformation().list_stack_resources().stack_name(stack).set_next_token(next);
        let Some(answer) = aws.call("cloudformation:ListStackResources", stack, request.send()).await.optional()? else {
            return Ok(vec![]);
        };
        for resource in answer.stack_resource_summaries.unwrap_or_default() {
            let is_there = resource.resource_status != Some(ResourceStatus::DeleteComplete);
            if resource.resource_type.as_deref() == Some("AWS::S3::Bucket") && is_there {
                buckets.extend(resource.physical_resource_id.map(|bucket| (resource.logical_resource_id, bucket)));
            }
        }
        next = answer.next_token;
        if next.is_none() {
            break;
        }
    }
    if buckets.is_empty() {
        return Ok(vec![]);
    }
    let template = processed_template(aws, stack).await?;
    let goes = |name: &Option<String>| goes(&template, name.as_deref().unwrap_or_default());
    Ok(buckets.into_iter().filter(|(name, bucket)| goes(name) && !bucket.is_empty()).map(|(_, bucket)| bucket).collect())
}

/// Whether a bucket goes with its stack: only what is surely deleted may be emptied.
fn goes(template: &Value, name: &str) -> bool {
    let resource = template.get("Resources").and_then(|resources| resources.get(name));
    resource.is_some_and(|resource| match resource.get("DeletionPolicy") {
        None => true,
        Some(policy) => policy == "Delete",
    })
}

/// The template as it was carried out: after its macros.
async fn processed_template(aws: &Aws, stack: &str) -> Result<Value, AwsError> {
    const OPERATION: &str = "cloudformation:GetTemplate";
    let request = aws.cloudformation().get_template().stack_name(stack).template_stage(TemplateStage::Processed);
    let answer = aws.call(OPERATION, stack, request.send()).await.optional()?;
    let body = answer.and_then(|answer| answer.template_body).unwrap_or_default();
    text::parse(stack, &body)
        .map_err(|error| AwsError::unexpected(OPERATION, stack, format!("its template cannot be read: {error}")))
}

async fn holds_something(aws: &Aws, bucket: &str) -> Result<bool, AwsError> {
    let owner = &aws.world.account;
    let request = aws.s3().list_object_versions().bucket(bucket).expected_bucket_owner(owner).max_keys(1);
    let answer = aws.call("s3:ListBucketVersions", bucket, request.send()).await.optional()?;
    if answer.is_some_and(|answer| !answer.versions().is_empty() || !answer.delete_markers().is_empty()) {
        return Ok(true);
    }
    let request = aws.s3().list_multipart_uploads().bucket(bucket).expected_bucket_owner(owner).max_uploads(1);
    let answer = aws.call("s3:ListBucketMultipartUploads", bucket, request.send()).await.optional()?;
    Ok(answer.is_some_and(|answer| !answer.uploads().is_empty()))
}

/// Deletes all versions and delete markers, a thousand to a request.
async fn delete_versions(aws: &Aws, bucket: &str) -> Result<(), AwsError> {
    let owner = &aws.world.account;
    loop {
        let request = aws.s3().list_object_versions().bucket(bucket).expected_bucket_owner(owner).max_keys(1000);
        let Some(page) = aws.call("s3:ListBucketVersions", bucket, request.send()).await.optional()? else { return Ok(()) };
        let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
        let objects: Vec<ObjectIdentifier> = versions
            .chain(markers)
            .filter_map(|(key, version)| {
                ObjectIdentifier::builder().key(key?).set_version_id(version.map(str::to_owned)).build().ok()
            })
            .collect();
        if objects.is_empty() {
            return Ok(());
        }
        let wanted = Delete::builder().set_objects(Some(objects)).quiet(true).build();
        let wanted = wanted.map_err(|error| AwsError::local(error.to_string()))?;
        let request = aws.s3().delete_objects().bucket(bucket).expected_bucket_owner(owner).delete(wanted);
        let answer = aws.call("s3:DeleteObjectVersion", bucket, request.send()).await?;
        // What is locked or denied stays, and would be listed again for ever.
        if let Some(error) = answer.errors().first() {
            let (key, message) = (error.key().unwrap_or_default(), error.message().unwrap_or_default());
            let code = error.code().unwrap_or_default().to_owned();
            let error = AwsError::unexpected("s3:DeleteObjectVersion", &format!("{bucket}/{key}"), message);
            return Err(AwsError { code, ..error });
        }
    }
}

async fn abort_uploads(aws: &Aws, bucket: &str) -> Result<(), AwsError> {
    let owner = &aws.world.account;
    loop {
        let request = aws.s3().list_multipart_uploads().bucket(bucket).expected_bucket_owner(owner).max_uploads(1000);
        let answer = aws.call("s3:ListBucketMultipartUploads", bucket, request.send()).await.optional()?;
        let uploads = answer.and_then(|answer| answer.uploads).unwrap_or_default();
        if uploads.is_empty() {
            return Ok(());
        }
        for upload in uploads {
            let (key, id) = (upload.key.unwrap_or_default(), upload.upload_id.unwrap_or_default());
            let request = aws.s3().abort_multipart_upload().bucket(bucket).expected_bucket_owner(owner).key(&key).upload_id(id);
            aws.call("s3:AbortMultipartUpload", &format!("{bucket}/{key}"), request.send()).await.optional()?;
        }
    }
}

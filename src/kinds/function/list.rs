//! Lambda's listings, page by page.

use aws_sdk_lambda::types::{AliasConfiguration, FunctionConfiguration};

use crate::aws::{Aws, AwsError, Optional};

/// The names of the functions that start as the environment's do.
pub async fn names(aws: &Aws) -> Result<Vec<String>, AwsError> {
    let prefix = aws.world.prefix();
    let mut found = vec![];
    let mut marker = None;
    loop {
        let request = aws.lambda().list_functions().set_marker(marker);
        let answer = aws.call("lambda:ListFunctions", "", request.send()).await?;
        let names = answer.functions.unwrap_or_default().into_iter().filter_map(|function| function.function_name);
        found.extend(names.filter(|name| name.starts_with(&prefix)));
        marker = answer.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
}

/// All versions of a function; none if it does not exist.
pub async fn versions(aws: &Aws, name: &str) -> Result<Vec<FunctionConfiguration>, AwsError> {
    let mut found = vec![];
    let mut marker = None;
    loop {
        let request = aws.lambda().list_versions_by_function().function_name(name).set_marker(marker);
        let Some(answer) = aws.call("lambda:ListVersionsByFunction", name, request.send()).await.optional()? else {
            return Ok(vec![]);
        };
        found.extend(answer.versions.unwrap_or_default());
        marker = answer.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
}

/// All aliases of a function; none if it does not exist.
pub async fn aliases(aws: &Aws, name: &str) -> Result<Vec<AliasConfiguration>, AwsError> {
    let mut found = vec![];
    let mut marker = None;
    loop {
        let request = aws.lambda().list_aliases().function_name(name).set_marker(marker);
        let Some(answer) = aws.call("lambda:ListAliases", name, request.send()).await.optional()? else {
            return Ok(vec![]);
        };
        found.extend(answer.aliases.unwrap_or_default());
        marker = answer.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
}

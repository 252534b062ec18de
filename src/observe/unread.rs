//! What could not be read, beside all that could.

use crate::aws::AwsError;
use crate::plan::Unread;

impl Unread {
    /// A read that failed for itself alone, which the others need not end for.
    ///
    /// # Errors
    /// The error itself, where all other reads fail for the same reason.
    fn of(what: &str, error: AwsError) -> Result<Self, AwsError> {
        if error.concerns_all() {
            return Err(error);
        }
        Ok(Self { what: what.to_owned(), why: error.to_string(), help: error.help() })
    }
}

/// Splits what was read from what could not be.
///
/// # Errors
/// A failure that concerns all reads alike.
pub fn tolerated<T>(what: &str, read: Result<T, AwsError>, unread: &mut Vec<Unread>) -> Result<Option<T>, AwsError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            unread.push(Unread::of(what, error)?);
            Ok(None)
        }
    }
}

//! Listings that several parts of one look at what exists ask for: each is sent once, and all get its answer.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::AwsError;

type Answer = Arc<dyn Any + Send + Sync>;
type Cells = HashMap<(&'static str, String), Arc<OnceCell<Answer>>>;

/// What was listed so far, by operation and by what was searched for.
#[derive(Clone, Default)]
pub struct Listings(Arc<Mutex<Cells>>);

impl Listings {
    /// The answer to a listing that may have been sent, or be under way. One that failed is sent again by whoever asks next.
    ///
    /// # Errors
    /// Whatever `list` answers.
    pub async fn once<T: Clone + Send + Sync + 'static>(
        &self,
        operation: &'static str,
        text: &str,
        list: impl Future<Output = Result<T, AwsError>> + Send,
    ) -> Result<T, AwsError> {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry((operation, text.to_owned())).or_default())
        };
        let answer = cell.get_or_try_init(|| async { Ok::<Answer, AwsError>(Arc::new(list.await?)) }).await?;
        let known = answer.downcast_ref::<T>();
        known.cloned().ok_or_else(|| AwsError::local(format!("two different listings are called {operation}")))
    }
}

impl Listings {
    /// Has a listing sent again by whoever asks next: what it tells has changed.
    pub fn forget(&self, operation: &'static str, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(operation, text.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn those_who_ask_at_once_ask_once() {
        let (listings, sent) = (Listings::default(), AtomicU32::new(0));
        let list = |text: &'static str, fails: bool| {
            let (listings, sent) = (&listings, &sent);
            async move {
                let send = async {
                    tokio::task::yield_now().await;
                    let count = sent.fetch_add(1, Ordering::Relaxed) + 1;
                    if fails { Err(AwsError::local("throttled")) } else { Ok(vec![count]) }
                };
                listings.once("events:ListRules", text, send).await.ok()
            }
        };
        assert_eq!(futures::join!(list("a", false), list("a", false)), (Some(vec![1]), Some(vec![1])));
        assert_eq!((list("a", true).await, list("b", false).await), (Some(vec![1]), Some(vec![2])));
        // A failure is nobody else's.
        assert_eq!(futures::join!(list("c", true), list("c", false)), (None, Some(vec![4])));
        assert!(listings.once("events:ListRules", "a", async { Ok(String::new()) }).await.is_err());
    }
}

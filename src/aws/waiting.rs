//! Pauses between looks at what AWS is doing, and a way to say what is waited for without handing a listener through
//! every function.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::Instant;

tokio::task_local! {
    static LISTENER: UnboundedSender<String>;
}

/// Runs a future; whatever it says it waits for is told to `listener`.
pub async fn heard<T>(future: impl Future<Output = T>, listener: impl Fn(&str)) -> T {
    let (sender, mut receiver) = unbounded_channel();
    let future = LISTENER.scope(sender, future);
    tokio::pin!(future);
    loop {
        tokio::select! {
            result = &mut future => return result,
            Some(what) = receiver.recv() => listener(&what),
        }
    }
}

/// Says what is waited for; heard only inside of [`heard`].
pub fn on(what: &str) {
    // Nobody listens to a wait outside of an apply, such as one of a plan.
    let _ = LISTENER.try_with(|listener| listener.send(what.to_owned()));
}

/// The pauses between looks: dense at first, then every two seconds, until time is up.
pub struct Pace {
    pause: Duration,
    deadline: Instant,
}

impl Pace {
    pub fn new(limit: Duration) -> Self {
        Self::until(Instant::now() + limit)
    }

    pub fn until(deadline: Instant) -> Self {
        Self { pause: Duration::from_millis(100), deadline }
    }

    /// Says what is waited for, and waits a little; `false` if time is up.
    pub async fn wait(&mut self, what: &str) -> bool {
        if Instant::now() + self.pause > self.deadline {
            return false;
        }
        on(what);
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(2));
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn what_is_waited_for_is_heard_by_its_own_listener() {
        let heard_by = [Mutex::new(vec![]), Mutex::new(vec![])];
        let step = |index: usize| {
            let words = &heard_by[index];
            heard(
                async move {
                    let mut pace = Pace::new(Duration::from_millis(250));
                    while pace.wait(&format!("step {index}")).await {}
                },
                move |what| words.lock().unwrap().push(what.to_owned()),
            )
        };
        futures::join!(step(0), step(1));
        for (index, words) in heard_by.iter().enumerate() {
            assert_eq!(*words.lock().unwrap(), [format!("step {index}")]);
        }
        on("nobody listens");
    }
}

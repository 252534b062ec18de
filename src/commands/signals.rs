//! Interruptions: the first lets what is in flight come to its end, the second ends at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Error, exit, tell};

/// How work ended.
pub enum Ended<T> {
    /// By itself; with the exit code of the signal that came in the meantime, if one did.
    Done(T, Option<u8>),
    /// At once.
    Dropped(u8),
}

impl<T> Ended<T> {
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Ended<U> {
        match self {
            Self::Done(value, signal) => Ended::Done(form(value), signal),
            Self::Dropped(code) => Ended::Dropped(code),
        }
    }
}

impl Ended<Result<u8, Error>> {
    /// The exit code: that of a signal before that of the work.
    pub fn code(self) -> Result<u8, Error> {
        match self {
            Self::Dropped(code) | Self::Done(Ok(_), Some(code)) => Ok(code),
            Self::Done(result, _) => result,
        }
    }
}

/// Works, and heeds signals meanwhile: `stop` is told of the first.
pub async fn heeded<T>(work: impl Future<Output = T>, stop: &watch::Sender<bool>, again: &str) -> Result<Ended<T>, Error> {
    let listen = |kind| signal(kind).map_err(|error| Error::other(format!("cannot listen for signals: {error}"), ""));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    let mut came = None;
    tokio::pin!(work);
    loop {
        let code = tokio::select! {
            done = &mut work => return Ok(Ended::Done(done, came)),
            _ = interrupt.recv() => exit::INTERRUPTED,
            _ = terminate.recv() => exit::TERMINATED,
        };
        if came.replace(code).is_some() {
            tell(&format!("stopped at once. To go on from here: {again}"));
            return Ok(Ended::Dropped(code));
        }
        tell("finishing what is in flight; once more to stop at once");
        let _ = stop.send(true);
    }
}

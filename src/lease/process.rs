//! The process that holds a lease: on the machine that it ran on, it can be seen whether it still does.

use serde::{Deserialize, Serialize};

use crate::author::host;

/// A process, told apart from all others that there ever were on a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    host: String,
    /// The kernel's mark of the time since it started; empty where it has none.
    boot: String,
    id: u32,
    /// When it started, by the kernel's count.
    started: String,
}

impl Process {
    /// This process.
    pub fn this() -> Self {
        let id = std::process::id();
        Self { host: host(), boot: boot(), id, started: started(id).unwrap_or_default() }
    }

    /// Whether it ran here and is gone. Of processes elsewhere nobody knows.
    pub fn is_gone(&self) -> bool {
        let here = !self.boot.is_empty() && self.host == host() && self.boot == boot();
        here && started(self.id).is_none_or(|started| started != self.started)
    }
}

fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// The 22nd field of Linux's `/proc/PID/stat`; the second, the command's name in brackets, may hold anything.
fn started(id: u32) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // A process that ended and that nobody asked for yet is gone.
    (*fields.first()? != "Z").then(|| fields.get(19).map(|field| (*field).to_owned()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_here_and_another_is_gone() {
        let this = Process::this();
        assert!(!this.is_gone());
        let elsewhere = |change: fn(&mut Process)| {
            let mut process = Process { started: "0".to_owned(), ..this.clone() };
            change(&mut process);
            process.is_gone()
        };
        if !this.boot.is_empty() {
            assert!(elsewhere(|_| {}));
        }
        assert!(!elsewhere(|process| process.host.push('x')));
        assert!(!elsewhere(|process| process.boot = "x".to_owned()));
        assert!(!elsewhere(|process| process.boot.clear()));
    }
}

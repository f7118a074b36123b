//! What the demonstration prints, and whether it held.

use std::io::Write;

/// A transcript on standard output.
pub(super) struct Transcript {
    scenes: usize,
    held: bool,
}

impl Transcript {
    pub(super) fn new() -> Self {
        Transcript {
            scenes: 0,
            held: true,
        }
    }

    /// One line.
    pub(super) fn say(&mut self, line: &str) {
        // A reader who has gone away has seen enough; the exit code still tells.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// A new scene.
    pub(super) fn scene(&mut self, title: &str) {
        self.scenes += 1;
        let title = format!("\n{}. {title}", self.scenes);
        self.say(&title);
    }

    /// What must hold.
    pub(super) fn check(&mut self, what: &str, held: bool) {
        self.held &= held;
        let mark = if held { "ok" } else { "FAILED" };
        self.say(&format!("  {mark}: {what}"));
    }

    /// The last line; whether everything held.
    pub(super) fn end(mut self) -> bool {
        self.say("");
        self.say(if self.held {
            "All of it held."
        } else {
            "Something did not hold: see FAILED above."
        });
        self.held
    }
}

//! What the tour prints, and whether it held.

use std::io::Write;

/// A transcript on standard output.
#[derive(Default)]
pub(super) struct Transcript {
    scenes: usize,
    failed: usize,
}

impl Transcript {
    /// One line.
    pub(super) fn say(&mut self, line: &str) {
        // A reader who has gone away has seen enough; the exit code still tells.
        let _gone = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// A new scene.
    pub(super) fn scene(&mut self, title: &str) {
        self.scenes += 1;
        let title = format!("\n{}. {title}", self.scenes);
        self.say(&title);
    }

    /// What must hold.
    pub(super) fn check(&mut self, what: &str, held: bool) {
        self.failed += usize::from(!held);
        let mark = if held { "ok" } else { "FAILED" };
        self.say(&format!("  {mark}: {what}"));
    }

    /// The last line; whether everything held.
    pub(super) fn end(mut self) -> bool {
        let held = self.failed == 0;
        self.say("");
        self.say(match held {
            true => "All of it held.",
            false => "Something did not hold: see FAILED above.",
        });
        held
    }
}

//! What a person sees of a start: one live line on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};

/// Tells on standard error how far a start is.
#[derive(Debug)]
pub struct Progress {
    look: Look,
    live_line: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// A line that is written over; `dim` says whether it may be coloured.
    Live { dim: bool },
    /// A line a step.
    Plain,
}

impl Progress {
    /// On this process's standard error.
    ///
    /// `terminal` is the host's `TERM`; `no_color` its `NO_COLOR`.
    pub fn new(terminal: Option<&str>, no_color: Option<&str>) -> Self {
        let can_move = terminal.is_some_and(|name| !name.is_empty() && name != "dumb");
        let dim = no_color.is_none_or(str::is_empty);
        let look = match std::io::stderr().is_terminal() && can_move {
            true => Look::Live { dim },
            false => Look::Plain,
        };
        Self {
            look,
            live_line: false,
        }
    }

    /// A step begins.
    pub fn step(&mut self, step: &str) {
        match self.look {
            Look::Live { dim } => {
                let (on, off) = if dim {
                    ("\x1b[2m", "\x1b[0m")
                } else {
                    ("", "")
                };
                write(&format!("\r\x1b[K{on}bottle: {step} …{off}"));
                self.live_line = true;
            }
            Look::Plain => write(&format!("bottle: {step}\n")),
        }
    }

    /// A line of somebody else's about the step, such as of a build.
    pub fn detail(&mut self, line: &str) {
        // A live line that wraps can't be written over.
        let line: String = printable(line).chars().take(60).collect();
        self.step(line.trim());
    }

    /// A sentence that stays.
    pub fn tell(&mut self, sentence: &str) {
        self.done();
        for line in sentence.lines() {
            // A carriage return: the terminal may be raw while an agent runs.
            let end = if self.look == Look::Plain {
                "\n"
            } else {
                "\r\n"
            };
            write(&format!("bottle: {}{end}", printable(line)));
        }
    }

    /// Takes the live line away.
    pub fn done(&mut self) {
        if std::mem::take(&mut self.live_line) {
            write("\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done();
    }
}

/// Standard error that nobody reads must not end a start half-way.
fn write(text: &str) {
    let mut error = std::io::stderr().lock();
    let _gone = error
        .write_all(text.as_bytes())
        .and_then(|()| error.flush());
}

/// `text` without anything that steers a terminal.
pub fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() || crate::visible::is_unseen(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_steers_a_terminal() {
        assert_eq!(printable("a\x1b[2Jb\rc\td"), "a\u{fffd}[2Jb\u{fffd}c d");
        assert_eq!(printable("x\u{202e}y"), "x\u{fffd}y");
        assert_eq!(printable("größe"), "größe");
    }
}

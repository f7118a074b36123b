//! The user's terminal while an agent has it.

use std::io::IsTerminal;
use std::sync::Mutex;

use rustix::termios::{
    OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetwinsize, tcsetattr,
};

/// How the terminal was before it was made raw. A panic unwinds through `Drop`; this is for
/// whoever leaves without unwinding.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// A terminal that passes every key on, until it is dropped.
#[derive(Debug)]
pub struct Raw(());

impl Raw {
    /// Makes the terminal of standard input raw.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn enter() -> std::io::Result<Self> {
        let input = std::io::stdin();
        let before = tcgetattr(&input)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&input, OptionalActions::Drain, &raw)?;
        if let Ok(mut kept) = BEFORE.lock() {
            *kept = Some(before);
        }
        Ok(Self(()))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back as it was; nothing, if it was not taken.
pub fn restore() {
    let before = BEFORE.lock().ok().and_then(|mut kept| kept.take());
    if let Some(before) = before {
        // Without what was typed for the agent, or what the terminal answered it: the user's
        // shell would read that. A terminal that is gone needs no restoring.
        let _gone = tcsetattr(std::io::stdin(), OptionalActions::Flush, &before);
    }
}

/// What a program may have left behind in a terminal, undone: whoever writes to it last
/// decides how everything after is shown, or whether it is.
const CALM: &str = concat!(
    // The end of a sequence or a text under way.
    "\x18\x1b\\",
    // Back from the other screen; attributes, letters and not line drawing, insertion.
    "\x1b[?1047l\x1b[0m\x0f\x1b(B\x1b[!p",
    // Origin and scrolling region, which move the cursor; wrapping.
    "\x1b7\x1b[?6l\x1b[r\x1b8\x1b[?7h",
    // Colours, among them ink like paper.
    "\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\",
    // The mouse and the focus type nothing.
    "\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1006l",
    // Pastes and keys as usual, the cursor there.
    "\x1b[?2004l\x1b[?1l\x1b>\x1b[?25h",
);

/// Undoes what an agent left in the terminals of these two streams, and throws away what
/// they have typed by themselves: an answer to a question of the agent's would be a command
/// to the user's shell.
pub fn calm() {
    use std::io::Write;
    let is_terminal = std::io::stderr().is_terminal();
    if is_terminal && std::env::var_os("TERM").is_some_and(|name| name != "dumb") {
        let mut error = std::io::stderr().lock();
        // A terminal that is gone shows nothing any more.
        let _gone = error
            .write_all(CALM.as_bytes())
            .and_then(|()| error.flush());
    }
    if is_interactive() {
        let _gone = tcflush(std::io::stdin(), QueueSelector::IFlush);
    }
}

/// Whether a person sits in front of this process: both ends are a terminal.
pub fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Rows and columns of the terminal, if there is one.
pub fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
}

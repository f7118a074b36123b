//! The user's terminal while an agent has it.

use std::io::IsTerminal;
use std::sync::Mutex;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

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
        // A terminal that is gone needs no restoring.
        let _gone = tcsetattr(std::io::stdin(), OptionalActions::Drain, &before);
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

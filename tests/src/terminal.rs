//! A terminal with a program in it.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::process::{GUARD, Tap, pid_of, wait_for_exit};

/// A program that runs in a terminal of its own, and the user before it.
pub struct Terminal {
    keyboard: File,
    screen: Tap,
    inner: OwnedFd,
    child: Child,
}

impl Terminal {
    /// Runs a program in a new terminal, which it controls.
    ///
    /// # Panics
    /// When the machine has no terminal to give.
    pub fn running(program: &Path, arguments: &[&str], prepare: impl Fn(&mut Command)) -> Terminal {
        let outer = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&outer).expect("grantpt");
        unlockpt(&outer).expect("unlockpt");
        let name = ptsname(&outer, Vec::new()).expect("its name");
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let inner = rustix::fs::open(name, flags, Mode::empty()).expect("its inner end");
        let end = || Stdio::from(inner.try_clone().expect("a descriptor"));
        set_size(&outer, 80, 24);
        // Without its help this process's own terminal would be the program's.
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(program);
        command.args(arguments).env_clear();
        prepare(&mut command);
        command.stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().expect("setsid");
        let screen = File::from(outer.try_clone().expect("a descriptor"));
        Terminal {
            keyboard: File::from(outer),
            screen: Tap::on(screen),
            inner,
            child,
        }
    }

    /// Types something.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn type_in(&mut self, text: &str) {
        let typed = self.keyboard.write_all(text.as_bytes());
        typed.expect("an open terminal");
    }

    /// Makes it so large.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn resize(&self, columns: u16, rows: u16) {
        set_size(&self.keyboard, columns, rows);
    }

    /// What stands on the screen.
    pub fn screen(&self) -> &Tap {
        &self.screen
    }

    /// How many octets wait to be read by whoever reads next inside: typed, or forged.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn waiting(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.inner).expect("FIONREAD")
    }

    /// The program's process: nobody leads its group, so `setsid` becomes it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends the program a signal.
    ///
    /// # Panics
    /// When it has been waited for.
    pub fn signal(&self, signal: Signal) {
        kill_process(pid_of(&self.child), signal).expect("the process is there");
    }

    /// Waits for the program's end.
    ///
    /// # Panics
    /// When it hangs.
    pub fn wait(&mut self) -> ExitStatus {
        let ended = wait_for_exit(&mut self.child, GUARD * 3);
        ended.unwrap_or_else(|| panic!("it hangs: {}", self.screen.text()))
    }
}

fn set_size(terminal: impl AsFd, columns: u16, rows: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).expect("a terminal's size");
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _gone = (self.child.kill(), self.child.wait());
    }
}

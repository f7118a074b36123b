//! The agent in its sandbox at work, as a session sees it.

use std::os::fd::OwnedFd;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{Pid, Signal, kill_process_group, pidfd_send_signal};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::process::Child;
use tokio::sync::Mutex;

use super::sidecar::Sidecar;
use crate::bottle::Failure;
use crate::bottle::exit_code::SIGNAL;
use crate::bottle::session::Agent;
use crate::signals::Sent;

/// An agent that runs in a sandbox.
pub(super) struct SandboxedAgent<'a> {
    bubblewrap: Mutex<&'a mut Child>,
    process: Option<(Pid, &'a OwnedFd)>,
    terminal: Option<OwnedFd>,
    sidecars: Vec<&'a Sidecar>,
}

impl<'a> SandboxedAgent<'a> {
    /// `process`: the agent, as the host numbers it; `terminal`: the outer end of its own.
    pub(super) fn of(
        bubblewrap: &'a mut Child,
        process: Option<(Pid, &'a OwnedFd)>,
        terminal: Option<OwnedFd>,
        sidecars: Vec<&'a Sidecar>,
    ) -> Self {
        Self {
            bubblewrap: Mutex::new(bubblewrap),
            process,
            terminal,
            sidecars,
        }
    }
}

fn has_ended(process: &OwnedFd) -> bool {
    let mut look = [PollFd::new(process, PollFlags::IN)];
    let at_once = Timespec::default();
    rustix::event::poll(&mut look, Some(&at_once)).is_ok_and(|ready| ready > 0)
}

impl Agent for SandboxedAgent<'_> {
    /// What a key sends goes to the whole group, as a terminal does it; the rest to the agent.
    async fn signal(&self, sent: Sent) -> Result<(), Failure> {
        let Some((pid, pidfd)) = self.process else {
            return Ok(());
        };
        let signal = match sent {
            Sent::Interrupt => Signal::INT,
            Sent::Quit => Signal::QUIT,
            Sent::Terminate => Signal::TERM,
            Sent::HangUp => Signal::HUP,
            Sent::User1 => Signal::USR1,
            Sent::User2 => Signal::USR2,
            Sent::Resize => Signal::WINCH,
        };
        let to_all = match sent {
            Sent::Interrupt | Sent::Quit => true,
            Sent::Terminate | Sent::HangUp | Sent::User1 | Sent::User2 | Sent::Resize => false,
        };
        // One that has ended needs no signal, and takes its group with it; its number may be
        // another's by then.
        let _ended = match to_all {
            true if has_ended(pidfd) => Ok(()),
            true => kill_process_group(pid, signal),
            false => pidfd_send_signal(pidfd, signal),
        };
        Ok(())
    }

    async fn wait(&self) -> Result<u8, Failure> {
        use std::os::unix::process::ExitStatusExt;
        let status = self.bubblewrap.lock().await.wait().await;
        let status = status.map_err(|error| {
            Failure::WhileRunning(format!("the sandbox's end can't be seen: {error}"))
        })?;
        // bubblewrap says 128 and the signal's number for an agent that a signal ended.
        let code = status
            .code()
            .unwrap_or_else(|| i32::from(SIGNAL) + status.signal().unwrap_or_default());
        Ok(u8::try_from(code).unwrap_or(u8::MAX))
    }

    async fn resize(&self, rows: u16, columns: u16) {
        if let Some(terminal) = &self.terminal {
            let size = Winsize {
                ws_row: rows,
                ws_col: columns,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            // A terminal that is gone needs no size.
            let _gone = tcsetwinsize(terminal, size);
        }
    }

    async fn sidecar_end(&self) -> String {
        let mut ends: FuturesUnordered<_> =
            self.sidecars.iter().map(|one| one.end_told()).collect();
        match ends.next().await {
            Some(sentence) => sentence,
            None => std::future::pending().await,
        }
    }
}

//! A program of the gate's and all that it started: one process group, ended whole.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// A process group whose leader we started. Dropped, it is killed.
///
/// Its leader is not waited for before the group is ended: until then the kernel gives its
/// number to nobody else. What loses its parent becomes our child (`adopt`), so that we have
/// no child in the group when nobody of it is left.
pub(super) struct Group {
    id: Pid,
    children: tokio::signal::unix::Signal,
    ended: bool,
}

/// Makes this process the parent of each orphan below it.
pub(super) fn adopt() -> io::Result<()> {
    let myself = rustix::process::getpid();
    Ok(rustix::process::set_child_subreaper(Some(myself))?)
}

impl Group {
    /// Starts a program as the leader of a group of its own.
    ///
    /// # Errors
    ///
    /// It can't be started.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Group> {
        // Before there is a child, so that no end of one is missed.
        let children = signal(SignalKind::child())?;
        let leader = command.process_group(0).spawn()?;
        let id = i32::try_from(leader.id()).ok().and_then(Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::other("the kernel gave it no number"))?;
        Ok(Group {
            id,
            children,
            ended: false,
        })
    }

    /// The leader's exit status when it has ended; none if a signal ended it.
    pub(super) async fn leader_ended(&mut self) -> io::Result<Option<i32>> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        loop {
            if let Some(status) = waitid(WaitId::Pid(self.id), options)? {
                return Ok(status.exit_status());
            }
            self.children.recv().await;
        }
    }

    /// Asks all of it to end, and kills what is still there after the grace. It is a hang-up
    /// that asks: git daemon has itself and its children ignore `SIGTERM`.
    pub(super) async fn end(mut self, grace: Duration) {
        for (sent, time) in [(Signal::HUP, grace), (Signal::KILL, grace)] {
            // Of those who end by themselves nobody is left to take it.
            let _ = kill_process_group(self.id, sent);
            if timeout(time, self.gone()).await.is_ok() {
                break;
            }
        }
        self.ended = true;
    }

    /// Waits until nobody of it is left.
    async fn gone(&mut self) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        loop {
            match waitid(WaitId::Pgid(Some(self.id)), options) {
                Ok(Some(_)) => {}
                Ok(None) => drop(self.children.recv().await),
                // No child: nobody.
                Err(_) => return,
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.ended {
            let _ = kill_process_group(self.id, Signal::KILL);
        }
    }
}

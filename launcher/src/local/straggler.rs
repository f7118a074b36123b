//! What bubblewrap leaves when it is ended together with its launcher in the instant in which
//! it forks: a process that waits for ever for one that is gone, and runs nothing.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The program whose processes are looked for.
const BUBBLEWRAP: &str = "bwrap";

/// Ends bubblewrap's processes that were started for the bottle with this directory: no other
/// process has it among its arguments. To be called when its launcher is gone.
///
/// # Errors
///
/// `/proc` can't be read, or one can't be ended.
pub(crate) fn end(runtime: &Path) -> io::Result<()> {
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        let Some(process) = number.and_then(Pid::from_raw) else {
            continue;
        };
        // Held before it is looked at: the number may be another's by then, this is not.
        let Ok(held) = pidfd_open(process, PidfdFlags::empty()) else {
            continue;
        };
        // Gone, or another user's.
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if is_of(&arguments, runtime) {
            match pidfd_send_signal(&held, Signal::KILL) {
                Ok(()) | Err(Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Whether these arguments, each ended by NUL, are bubblewrap's and name something in `runtime`.
fn is_of(arguments: &[u8], runtime: &Path) -> bool {
    let mut words = arguments
        .split(|octet| *octet == 0)
        .map(|word| Path::new(OsStr::from_bytes(word)));
    let is_bubblewrap = words
        .next()
        .is_some_and(|program| program.file_name() == Some(OsStr::new(BUBBLEWRAP)));
    is_bubblewrap && words.any(|word| word.starts_with(runtime))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    #[test]
    fn only_bubblewraps_processes_of_that_bottle_are_ended() {
        let place = tempfile::tempdir().expect("a folder");
        let [ours, theirs] = ["ours", "ours2"].map(|name| place.path().join(name));
        let process = |name: &str, runtime: &Path| {
            fs::create_dir_all(runtime).expect("a folder");
            let file = runtime.join("passwd");
            fs::write(&file, "").expect("a file");
            let mut command = Command::new("tail");
            command.arg0(name).arg("-f").arg(file);
            let child = command.stdout(Stdio::null()).spawn().expect("a process");
            // Who starts one goes on before the kernel has written its arguments down.
            let words = format!("/proc/{}/cmdline", child.id());
            while fs::read(&words).expect("it runs").is_empty() {
                std::thread::yield_now();
            }
            child
        };
        let mut straggler = process("/usr/bin/bwrap", &ours);
        let mut others = [process("tail", &ours), process("bwrap", &theirs)];
        end(&ours).expect("ended");
        let ended = straggler.wait().expect("its end");
        assert!(!ended.success());
        for other in &mut others {
            assert!(other.try_wait().expect("it runs").is_none());
            other.kill().and_then(|()| other.wait()).expect("ended");
        }
    }
}

//! An engine of our own, where the machine has the program but nobody runs it.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::wait_for_exit;

/// Runs the daemon until standard input ends, which it does with the process of the tests,
/// however that ends; then ends the daemon by its id and removes what it kept. Its mounts are
/// in a namespace of its own, and gone with it. One whose store has a size keeps it in memory,
/// and is in a network of its own as well: the second daemon in one writes over the first
/// one's rules. Two in one are at least not to give out the same addresses: a network on which
/// this machine has none is not seen by the other, which would stand on it. So each holds a
/// lock on a range as long as it lives.
const GUARDIAN: &str = r#"
exec 3<&0
mkdir "$1/data"
place=/run
[ -w "$place" ] || place=${1%/*}
for range in $(seq 128 223); do
    exec 9>"$place/bottle-test-range-$range"
    flock --nonblock 9 && break
done
apart=--mount store=
[ -z "$2" ] || apart='--mount --net' store="mount -t tmpfs -o size=$2 store \"\$0/data\";"
{
    unshare $apart sh -c "$store"' exec dockerd --data-root "$0/data" --exec-root "$0/run" \
        --pidfile "$0/pid" --host "unix://$0/docker.sock" \
        --default-address-pool "base=10.$1.0.0/16,size=24"' "$1" "$range" \
        >"$1/log" 2>&1 3<&-
    : >"$1/ended"
} &
read -r _ <&3
[ -e "$1/ended" ] || kill "$(cat "$1/pid")"
wait
rm -rf --one-file-system "$1"
"#;

/// How long a daemon may take to answer: it makes its networks and its store first.
const BOOT_TIME: Duration = Duration::from_secs(60);

/// How often it is asked.
const PACE: Duration = Duration::from_millis(50);

/// A daemon with a store and a socket of its own. It ends when this process does.
pub(super) struct Daemon {
    guardian: Child,
    folder: PathBuf,
}

impl Daemon {
    /// Starts it and waits until `answers` says that it does. Its store has the size `store`,
    /// such as `300m`, if that is said.
    pub(super) fn start(store: Option<&str>, answers: impl Fn(&str) -> bool) -> io::Result<Daemon> {
        let mut folder = tempfile::Builder::new();
        // The guardian removes it: it is the last to need it.
        let folder = folder.prefix("bottle-test-engine-").tempdir()?.keep();
        let mut daemon = Daemon {
            guardian: guardian(&folder, store.unwrap_or_default())?,
            folder,
        };
        let host = daemon.host();
        let begun = Instant::now();
        while !answers(&host) {
            let gone = wait_for_exit(&mut daemon.guardian, PACE).is_some();
            let ended = gone || daemon.folder.join("ended").exists();
            if ended || begun.elapsed() > BOOT_TIME {
                return Err(io::Error::other(daemon.last_words()));
            }
        }
        Ok(daemon)
    }

    /// For `DOCKER_HOST`.
    pub(super) fn host(&self) -> String {
        format!("unix://{}/docker.sock", self.folder.display())
    }

    /// Where it keeps images and containers, as this process sees it.
    pub(super) fn store(&self) -> PathBuf {
        let pid = fs::read_to_string(self.folder.join("pid")).unwrap_or_default();
        let root = Path::new("/proc").join(pid.trim()).join("root");
        let data = self.folder.join("data");
        root.join(data.strip_prefix("/").unwrap_or(&data))
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

fn guardian(folder: &Path, store: &str) -> io::Result<Child> {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", GUARDIAN, "guardian"])
        .arg(folder)
        .arg(store);
    let path = std::env::var("PATH").unwrap_or_default();
    shell.env("PATH", format!("{path}:/usr/local/sbin:/usr/sbin:/sbin"));
    shell.stdin(Stdio::piped());
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C on the tests ends their process, and thereby the daemon in good order.
    shell.process_group(0).spawn()
}

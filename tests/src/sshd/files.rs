//! Keys and configurations of an `sshd`, and what it runs for whoever has the key.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};

use crate::process::Tap;
use crate::test_programs::succeed;

/// Writes keys and configurations, and gives the list of commands and what keeps it open.
pub(super) fn furnish(folder: &Path) -> (Tap, File) {
    for key in ["host_key", "other_host_key", "identity", "stranger"] {
        make_key(&folder.join(key), "");
    }
    let identity = fs::read_to_string(folder.join("identity.pub")).expect("a public key");
    write(
        folder,
        "authorized_keys",
        &format!("restrict {identity}"),
        0o600,
    );
    let commands = folder.join("commands");
    make_pipe(&commands);
    write(folder, "service", &service(folder), 0o700);
    for (name, host_key) in [
        ("config", "host_key"),
        ("impostor_config", "other_host_key"),
    ] {
        write(folder, name, &config(folder, host_key), 0o600);
    }
    let reader = open(&commands, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty());
    let reader = File::from(reader.expect("a pipe"));
    let writer = File::options().write(true).open(&commands).expect("a pipe");
    let blocking = rustix::fs::fcntl_setfl(&reader, OFlags::empty());
    blocking.expect("a descriptor");
    (Tap::on(reader), writer)
}

/// Makes a pair of keys, the private one at `path`, with a passphrase or without.
///
/// # Panics
/// When `ssh-keygen` fails.
pub fn make_key(path: &Path, passphrase: &str) {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-C", "", "-N", passphrase, "-f"]);
    succeed(keygen.arg(path)).expect("a pair of keys");
}

pub(super) fn make_pipe(path: &Path) {
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, path, FileType::Fifo, mode, 0).expect("a pipe");
}

fn write(folder: &Path, name: &str, text: &str, mode: u32) {
    let path = folder.join(name);
    fs::write(&path, text).expect("a file");
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a file of ours");
}

/// What is run instead of whatever a client asks for: `git-shell`, which knows git's services
/// alone, with no setting of this machine.
fn service(folder: &Path) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = folder.display();
    format!(
        "#!/bin/sh\n\
         echo \"$SSH_ORIGINAL_COMMAND\" > '{folder}/commands'\n\
         hold=\"{folder}/hold-${{SSH_ORIGINAL_COMMAND%% *}}\"\n\
         [ ! -p \"$hold\" ] || read -r released < \"$hold\" 2> /dev/null\n\
         exec env -i PATH='{path}' HOME='{folder}' GIT_CONFIG_NOSYSTEM=1 \\\n\
         GIT_CONFIG_GLOBAL=/dev/null ${{GIT_PROTOCOL:+GIT_PROTOCOL=\"$GIT_PROTOCOL\"}} \\\n\
         git-shell -c \"$SSH_ORIGINAL_COMMAND\"\n"
    )
}

/// A shell that is not the first reads none of its user's files, which take longer than git.
fn config(folder: &Path, host_key: &str) -> String {
    let folder = folder.display();
    format!(
        "HostKey {folder}/{host_key}\n\
         AuthorizedKeysFile {folder}/authorized_keys\n\
         AuthenticationMethods publickey\n\
         ForceCommand {folder}/service\n\
         AcceptEnv GIT_PROTOCOL\n\
         SetEnv SHLVL=9\n\
         PermitRootLogin prohibit-password\n\
         StrictModes no\n\
         UsePAM no\n\
         UseDNS no\n\
         PidFile none\n\
         LogLevel VERBOSE\n"
    )
}

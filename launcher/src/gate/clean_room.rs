//! git with an environment of ours alone: nothing that an agent, a user or a machine has set
//! steers it.

use std::ffi::OsString;
use std::process::Command;

use super::place::Place;

/// Where programs are: those of the gate's image, or of this machine.
const PATH: &str = "PATH";

/// What pre-receive got from receive-pack, and what its git needs to see the new objects.
const QUARANTINE: [&str; 4] = [
    "GIT_DIR",
    "GIT_QUARANTINE_PATH",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
];

/// The variable that names the repository whose upstream `ssh` is to reach.
pub(super) const REPOSITORY: &str = "BOTTLE_GATE_REPOSITORY";

/// Settings on top of a mirror's own, for every git here: memory that a small container has
/// (large objects are streamed), no replaced objects, no process that outlives its parent. A
/// mirror may lie on a volume that another user's number owns.
const SETTINGS: [(&str, &str); 11] = [
    ("core.bigFileThreshold", "1m"),
    ("core.packedGitWindowSize", "16m"),
    ("core.packedGitLimit", "64m"),
    ("core.deltaBaseCacheLimit", "16m"),
    ("core.useReplaceRefs", "false"),
    ("pack.threads", "1"),
    ("pack.windowMemory", "32m"),
    ("pack.deltaCacheSize", "16m"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("safe.directory", "*"),
];

/// A program with the clean room's environment and no other. The settings are part of it,
/// so that a git that is started by a git has them as well.
pub(super) fn program(place: &Place, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env(PATH, std::env::var_os(PATH).unwrap_or_default())
        .env("HOME", &place.state)
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        // The image has no other directory to write to.
        .env("TMPDIR", place.temporary())
        .env("GIT_CONFIG_COUNT", SETTINGS.len().to_string())
        .envs(place.variables());
    for (number, (key, value)) in SETTINGS.into_iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{number}"), key);
        command.env(format!("GIT_CONFIG_VALUE_{number}"), value);
    }
    command
}

/// git, with the mirror of `name` as its repository.
pub(super) fn git(place: &Place, name: &str) -> Command {
    let mut command = program(place, "git");
    let mirror = place.mirror(name);
    // Objects in quarantine are seen by `quarantined` alone, which keeps the variables.
    command.env("GIT_DIR", &mirror).current_dir(mirror);
    command
}

/// git that speaks to the upstream of `name`, by an `ssh` of ours.
pub(super) fn toward_upstream(place: &Place, name: &str) -> Command {
    let mut command = git(place, name);
    command
        .env("GIT_SSH", place.link("ssh"))
        .env("GIT_SSH_VARIANT", "ssh")
        .env(REPOSITORY, name);
    command
}

/// git that sees what a push has brought and no ref leads to yet: for pre-receive alone.
pub(super) fn quarantined(place: &Place, name: &str) -> Command {
    let mut command = git(place, name);
    let kept = |variable: &'static str| -> Option<(&'static str, OsString)> {
        std::env::var_os(variable).map(|value| (variable, value))
    };
    command.envs(QUARANTINE.into_iter().filter_map(kept));
    command
}

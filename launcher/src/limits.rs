//! Every number of the launcher: its unit in its name, and why it has that size.

use std::time::Duration;

// --- plan and host: what the host is asked for ---

/// Octets of a token, as the engine has it for a token in a file.
pub const TOKEN_OCTETS: usize = 64 * 1024;

/// Octets of all records for the engine's `--tokens-stdin`; the engine reads no more.
pub const TOKEN_RECORDS_OCTETS: usize = 1024 * 1024;

/// How long a command of a `token_ref` may run, and npm's answer may take.
pub const HOST_COMMAND_TIME: Duration = Duration::from_secs(10);

/// Octets of a host command's error text that are shown: its last lines say why it failed.
pub const COMMAND_ERROR_OCTETS: usize = 2 * 1024;

/// Octets of npm's answer, a URL.
pub const REGISTRY_OCTETS: usize = 4 * 1024;

/// Octets of a value that is asked for on the terminal; a paste by mistake ends here.
pub const ASKED_OCTETS: usize = 4 * 1024;

/// Octets of one file of git's that is read: real ones have some hundreds.
pub const GIT_FILE_OCTETS: usize = 256 * 1024;

/// Files of git's that are looked at in one work directory: submodules have a few each.
pub const GIT_FILES: usize = 1024;

/// Folders below a git directory that are looked into, one in another.
pub const GIT_FOLDERS_DEPTH: usize = 8;

/// Lines on either side of a difference beyond which it is not worked out line by line:
/// that takes their product in time and memory.
pub const DIFF_LINES: usize = 2000;

/// Hosts that the preview for people names; the others are counted.
pub const PREVIEW_HOSTS: usize = 3;

/// Rules of a route that the preview for people names; presets have dozens.
pub const PREVIEW_RULES: usize = 4;

/// Characters of one word of the command that the preview for people shows.
pub const PREVIEW_WORD_CHARACTERS: usize = 60;

// --- end of plan and host ---

//! Every number of the launcher: its unit in its name, and why it has that size.

use std::time::Duration;

const KIB: usize = 1024;

/// Octets of a manifest: thousands of bottles. What is longer is no manifest.
pub const MANIFEST_OCTETS: usize = 1024 * KIB;

/// Octets of the name of a bottle, an agent or a repository. Names become parts of host and
/// container names, of which DNS allows 63 octets.
pub const NAME_OCTETS: usize = 40;

/// Bottles of a manifest, and agents of a file.
pub const ENTRIES: usize = 256;

/// Variables of a bottle.
pub const VARIABLES: usize = 256;

/// Octets of a variable's value: Linux takes 128 KiB for a name and its value together.
pub const VALUE_OCTETS: usize = 64 * KIB;

/// Octets of a prompt, for the same reason: it becomes an argument.
pub const PROMPT_OCTETS: usize = 64 * KIB;

/// Presets of a bottle, and routes of each face.
pub const ROUTES: usize = 256;

/// Items of one list of a route, such as its `deny`.
pub const LIST_ITEMS: usize = 256;

/// Octets of a path, a URL, a rule, a reference or another single word.
pub const WORD_OCTETS: usize = 4 * KIB;

/// Words of a command that gets a token, its program included.
pub const COMMAND_WORDS: usize = 64;

/// Hosts and address blocks of an egress list.
pub const HOSTS: usize = 4096;

/// Repositories of a gate: each is mirrored before the gate is healthy.
pub const REPOSITORIES: usize = 64;

/// Segments of a deny rule, as the engine has it.
pub const RULE_SEGMENTS: usize = 62;

/// MiB of a push, at most 64 GiB: what is larger is a slip of the pen.
pub const PUSH_MIB: u64 = 64 * 1024;

/// MiB of a push, where the manifest does not say: more than source code comes to, and little
/// enough to be scanned while a person waits.
pub const USUAL_PUSH_MIB: u32 = 512;

/// Problems that are told of one file: more than a person mends at once, and a bound to what a
/// repository can write onto a terminal.
pub const PROBLEMS: usize = 100;

/// Characters of a key that a problem shows.
pub const SHOWN_KEY_CHARACTERS: usize = 64;
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

/// Files and folders of a work directory among which git's are looked for: the largest
/// source trees have some hundred thousand, and a million are listed in a few seconds.
pub const GIT_ENTRIES: usize = 4_000_000;

/// Octets of git's files that are kept in memory while an agent is at work; of what goes
/// beyond, only that it has changed can be told.
pub const GIT_KEPT_OCTETS: usize = 16 * 1024 * KIB;

/// Lines on either side of a difference beyond which it is not worked out line by line:
/// that takes their product in time and memory.
pub const DIFF_LINES: usize = 2000;

/// Hosts that the preview for people names; the others are counted.
pub const PREVIEW_HOSTS: usize = 3;

/// Rules of a route that the preview for people names; presets have dozens.
pub const PREVIEW_RULES: usize = 4;

/// Characters of one word of the command that the preview for people shows.
pub const PREVIEW_WORD_CHARACTERS: usize = 60;

/// Columns of a prompt's line in the preview for people: with its mark, every terminal's.
pub const PREVIEW_PROMPT_COLUMNS: usize = 72;

/// Octets of a private key's file: one of RSA with 16,384 bits has a fifth of it.
pub const IDENTITY_OCTETS: usize = 64 * 1024;

/// Octets of what ssh-keygen says of a key.
pub const PUBLIC_KEY_OCTETS: usize = 16 * 1024;

/// Octets of what a scanner says of its version.
pub const SCANNER_VERSION_OCTETS: usize = 4 * 1024;

// --- end of plan and host ---

//! Every number of the launcher: its unit in its name, and why it has that size.

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

/// Problems that are told of one file: more than a person mends at once, and a bound to what a
/// repository can write onto a terminal.
pub const PROBLEMS: usize = 100;

/// Characters of a key that a problem shows.
pub const SHOWN_KEY_CHARACTERS: usize = 64;

//! The agent's program, where it is installed outside the system's directories: in the user's
//! home, by a version manager, below `/opt`. What it needs is bound read-only, and no more: a
//! directory that holds other things too, keys among them, is never bound.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use super::bubblewrap::{in_path, is_executable};
use super::reach::leads_through;

/// What of the host's the agent's program needs to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Client {
    /// Bound read-only at their own places.
    pub bound: Vec<PathBuf>,
    /// Links, and where they lead to.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Put in front of the agent's `PATH`.
    pub directories: Vec<PathBuf>,
}

/// A program as it was found on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    /// Where `PATH` leads to.
    program: PathBuf,
    /// The same with all links followed.
    real: PathBuf,
}

/// Directories that no program's installation may have in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Private {
    /// The user's home; what lies right below it holds all kinds of things.
    pub home: PathBuf,
    /// Manifest and state.
    pub others: Vec<PathBuf>,
}

impl Private {
    /// These places, under the names that programs are found by: with all links followed.
    pub fn of(home: PathBuf, others: impl IntoIterator<Item = PathBuf>) -> Self {
        let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
        Self {
            home: real(home),
            others: others.into_iter().map(real).collect(),
        }
    }
}

/// Where programs are on every Linux.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The sandbox has them anyway.
const SYSTEM: [&str; 7] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
];

/// Directories below a home that lead to one installation at least: `~/.nvm/versions/node/v22`
/// has four, and `~/.local`, `~/.cargo` or `~/.config/x` hold more than programs.
const BELOW_HOME: usize = 3;

/// The same below the root: `/opt/tool`.
const BELOW_ROOT: usize = 2;

/// Octets of a script's first line; Linux reads 256.
const FIRST_LINE_OCTETS: u64 = 256;

impl Client {
    /// What these programs need; nothing, where they are of the system, or not found: the
    /// sandbox will say so. `path` is the host's `PATH`, `work` the bound work directory.
    pub(super) fn of(
        commands: &[&str],
        path: &OsStr,
        work: Option<&Path>,
        private: &Private,
    ) -> Self {
        let mut client = Self::default();
        for command in commands {
            client.take(command, path, work, private);
        }
        client
    }

    /// Where its programs are looked for.
    pub(super) fn search_path(&self) -> OsString {
        let system = std::env::split_paths(SYSTEM_PATH);
        let directories = self.directories.iter().cloned().chain(system);
        let path = std::env::join_paths(directories);
        path.unwrap_or_else(|_colon_in_a_name| SYSTEM_PATH.into())
    }

    fn take(&mut self, command: &str, path: &OsStr, work: Option<&Path>, private: &Private) {
        // What stands in the work directory is there already, and what is found by way of it was
        // chosen by an agent that worked there: a link to a program among somebody's keys.
        let find = |name: &str| {
            let found = find(name, path)?;
            let by_work = work.is_some_and(|work| leads_through(&found.program, work));
            (!by_work).then_some(found)
        };
        let Some(found) = find(command) else {
            return;
        };
        let interpreter = first_line(&found.real).and_then(|line| interpreter(&line));
        let interpreter = interpreter.and_then(|name| find(&name));
        self.add(&found, private);
        if let Some(interpreter) = interpreter {
            self.add(&interpreter, private);
        }
    }

    fn add(&mut self, found: &Found, private: &Private) {
        if !is_of_system(&found.real) {
            let root = installation(&found.real, private);
            self.bound.retain(|bound| !bound.starts_with(&root));
            if !self.bound.iter().any(|bound| root.starts_with(bound)) {
                self.bound.push(root);
            }
        }
        if is_of_system(&found.program) {
            return;
        }
        let there = |link: &Path| self.bound.iter().any(|bound| link.starts_with(bound));
        self.links.retain(|(link, _)| !there(link));
        if !there(&found.program) && found.program != found.real {
            self.links.push((found.program.clone(), found.real.clone()));
        }
        let directory = found.program.parent().map(Path::to_path_buf);
        let new = directory.filter(|directory| !self.directories.contains(directory));
        self.directories.extend(new);
    }
}

fn is_of_system(path: &Path) -> bool {
    SYSTEM.iter().any(|system| path.starts_with(system))
}

fn find(command: &str, path: &OsStr) -> Option<Found> {
    let program = match command.contains('/') {
        true => Some(PathBuf::from(command)).filter(|p| p.is_absolute() && is_executable(p)),
        false => in_path(command, &without_shims(path)),
    }?;
    let real = fs::canonicalize(&program).ok()?;
    Some(Found { program, real })
}

/// A version manager's shims run the manager, which looks for the program in all of its home.
fn without_shims(path: &OsStr) -> OsString {
    let directories = std::env::split_paths(path).filter(|d| !d.ends_with("shims"));
    std::env::join_paths(directories).unwrap_or_default()
}

fn first_line(file: &Path) -> Option<String> {
    let mut line = Vec::new();
    let file = File::open(file).ok()?.take(FIRST_LINE_OCTETS);
    BufReader::new(file).read_until(b'\n', &mut line).ok()?;
    String::from_utf8(line).ok()
}

/// What runs a script: `#!/usr/bin/env node` is `node`.
fn interpreter(line: &str) -> Option<String> {
    let mut words = line.strip_prefix("#!")?.split_whitespace();
    let program = words.next()?;
    if Path::new(program).file_name() != Some(OsStr::new("env")) {
        return Some(program.to_owned());
    }
    let name = words.find(|word| !word.starts_with('-') && !word.contains('='));
    name.map(str::to_owned)
}

/// What is bound for the program `real`: its package, the directory that it alone is installed
/// in, or the file.
fn installation(real: &Path, private: &Private) -> PathBuf {
    if let Some(package) = package(real).filter(|package| is_apart(package, private)) {
        return package;
    }
    let directory = real.parent().filter(|d| d.ends_with("bin"));
    let prefix = directory.and_then(Path::parent);
    match prefix.filter(|prefix| is_apart(prefix, private)) {
        Some(prefix) => prefix.to_path_buf(),
        None => real.to_path_buf(),
    }
}

/// `…/node_modules/@scope/name` or `…/node_modules/name`.
fn package(real: &Path) -> Option<PathBuf> {
    let mut package = PathBuf::new();
    let mut parts = real.components();
    for part in parts.by_ref() {
        package.push(part);
        if part.as_os_str() == "node_modules" {
            break;
        }
    }
    let name = parts.next()?;
    package.push(name);
    if name.as_os_str().as_encoded_bytes().starts_with(b"@") {
        package.push(parts.next()?);
    }
    // The program itself stands below it.
    parts.next().map(|_| package)
}

/// Whether a directory is deep enough to hold one thing, and nothing private.
fn is_apart(directory: &Path, private: &Private) -> bool {
    let holds = |path: &Path| path.starts_with(directory);
    if holds(&private.home) || private.others.iter().any(|other| holds(other)) {
        return false;
    }
    let depth = |path: &Path| {
        let names = path
            .components()
            .filter(|part| matches!(part, Component::Normal(_)));
        names.count()
    };
    let homes = [private.home.as_path(), Path::new("/root")];
    let below = homes
        .iter()
        .find_map(|home| directory.strip_prefix(home).ok());
    // Another user's home has one name more.
    let below_another = directory.strip_prefix("/home").ok();
    match (below, below_another) {
        (Some(below), _) => depth(below) >= BELOW_HOME,
        (None, Some(below)) => depth(below) > BELOW_HOME,
        (None, None) => depth(directory) >= BELOW_ROOT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private() -> Private {
        Private {
            home: "/home/me".into(),
            others: vec!["/opt/config/bottle/manifest.json".into()],
        }
    }

    fn client(programs: &[(&str, &str)]) -> Client {
        let mut client = Client::default();
        for (program, real) in programs {
            let (program, real) = (PathBuf::from(program), PathBuf::from(real));
            client.add(&Found { program, real }, &private());
        }
        client
    }

    #[test]
    fn what_is_bound_is_the_installation_and_no_more() {
        let rows = [
            (
                "/home/me/.local/share/claude/versions/2.1.0",
                "itself",
                "one file a version",
            ),
            (
                "/home/me/.local/bin/tool",
                "itself",
                "all kinds of programs beside it",
            ),
            (
                "/home/me/.cargo/bin/tool",
                "itself",
                "credentials beside its directory",
            ),
            (
                "/home/me/bin/tool",
                "itself",
                "the home itself would be next",
            ),
            ("/home/me/.config/x/bin/tool", "itself", "not deep enough"),
            (
                "/home/me/.nvm/versions/node/v22/bin/node",
                "/home/me/.nvm/versions/node/v22",
                "nvm",
            ),
            (
                "/home/me/.local/share/pipx/venvs/a/bin/a",
                "/home/me/.local/share/pipx/venvs/a",
                "a virtual environment",
            ),
            (
                "/home/me/.npm-global/lib/node_modules/@anthropic-ai/claude-code/cli.js",
                "/home/me/.npm-global/lib/node_modules/@anthropic-ai/claude-code",
                "npm with a prefix in the home",
            ),
            (
                "/home/me/.local/lib/node_modules/tool/bin/tool.js",
                "/home/me/.local/lib/node_modules/tool",
                "npm with ~/.local",
            ),
            ("/opt/tool/bin/tool", "/opt/tool", "a vendor's directory"),
            ("/opt/bin/tool", "itself", "shared by all of /opt"),
            (
                "/opt/config/bin/tool",
                "itself",
                "the manifest is beside it",
            ),
            (
                "/home/you/.nvm/versions/node/v1/bin/node",
                "/home/you/.nvm/versions/node/v1",
                "",
            ),
            (
                "/home/you/a/b/bin/tool",
                "itself",
                "another's home is as private",
            ),
            ("/root/bin/tool", "itself", "root's home"),
            ("/bin2/tool", "itself", "right below the root"),
        ];
        for (real, expected, why) in rows {
            let expected = Path::new(if expected == "itself" { real } else { expected });
            assert_eq!(installation(Path::new(real), &private()), expected, "{why}");
        }
    }

    #[test]
    fn links_outside_what_is_bound_are_made_again() {
        let version = "/home/me/.local/share/claude/versions/2.1.0";
        let found = client(&[("/home/me/.local/bin/claude", version)]);
        let expected = Client {
            bound: vec![version.into()],
            links: vec![("/home/me/.local/bin/claude".into(), version.into())],
            directories: vec!["/home/me/.local/bin".into()],
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_script_and_its_interpreter_share_one_installation() {
        let node = "/home/me/.nvm/versions/node/v22";
        let script = format!("{node}/lib/node_modules/@a/b/cli.js");
        let (tool, bin) = (format!("{node}/bin/tool"), format!("{node}/bin"));
        let real_node = format!("{bin}/node");
        let found = client(&[(&tool, &script), (&real_node, &real_node)]);
        let expected = Client {
            bound: vec![node.into()],
            links: Vec::new(),
            directories: vec![bin.into()],
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_private_is_known_under_any_name() {
        let place = tempfile::tempdir().expect("a directory");
        let root = place.path().canonicalize().expect("it");
        let home = root.join("var/home/me");
        fs::create_dir_all(home.join("bin")).expect("made");
        std::os::unix::fs::symlink("var/home", root.join("home")).expect("a link");
        let tool = home.join("bin/tool");
        let private = Private::of(root.join("home/me"), [root.join("home/absent")]);
        assert_eq!(installation(&tool, &private), tool, "not the whole home");
        assert_eq!(private.others, [root.join("home/absent")]);
    }

    #[test]
    fn what_the_system_has_needs_nothing() {
        assert_eq!(
            client(&[("/usr/bin/git", "/usr/bin/git")]),
            Client::default()
        );
        let found = client(&[("/usr/local/bin/tool", "/opt/tool/bin/tool")]);
        assert_eq!(found.bound, [PathBuf::from("/opt/tool")]);
        assert!(found.links.is_empty() && found.directories.is_empty());
    }

    #[test]
    fn a_work_directory_leads_to_nothing_of_the_host() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let place = tempfile::tempdir().expect("a directory");
        let root = place.path().canonicalize().expect("it");
        let (work, other) = (root.join("work/bin"), root.join("a/b/other/bin"));
        let path = root.join("path");
        for directory in [&work, &other, &path] {
            fs::create_dir_all(directory).expect("made");
        }
        for (name, text) in [("tool", "#!/bin/sh\n"), ("script", "#!/usr/bin/env run\n")] {
            let file = other.join(name);
            fs::write(&file, text).expect("written");
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
        }
        symlink(other.join("tool"), work.join("tool")).expect("a link");
        symlink(other.join("tool"), work.join("run")).expect("a link");
        // A link of the user's own to what an agent can change.
        symlink("../work/bin/tool", path.join("linked")).expect("a link");
        symlink(&other, root.join("work/out")).expect("a link");
        symlink("../work/out/tool", path.join("far")).expect("a link");
        let list = std::env::join_paths([&work, &path, &other]).expect("a list");
        let of = |name: &str, work| Client::of(&[name], &list, work, &private());
        let work = root.join("work");
        let absolute = work.join("bin/tool").display().to_string();
        for name in ["tool", "linked", "far", &absolute] {
            assert_eq!(of(name, Some(&work)), Client::default(), "{name}");
            assert_ne!(of(name, None), Client::default(), "{name}");
        }
        let script = of("script", Some(&work));
        assert_eq!(script.bound, [root.join("a/b/other")]);
        assert_eq!(
            script.directories,
            [other],
            "the interpreter is the agent's"
        );
    }

    #[test]
    fn shims_are_passed_over() {
        let path = OsStr::new("/home/me/.pyenv/shims:/home/me/bin:/usr/bin");
        assert_eq!(without_shims(path), "/home/me/bin:/usr/bin");
    }

    #[test]
    fn interpreters() {
        let rows = [
            ("#!/usr/bin/env node\n", Some("node")),
            ("#!/usr/bin/env -S node --x\n", Some("node")),
            (
                "#! /opt/python/bin/python3 -I\n",
                Some("/opt/python/bin/python3"),
            ),
            ("\x7fELF", None),
            ("#!", None),
        ];
        for (line, expected) in rows {
            assert_eq!(interpreter(line).as_deref(), expected, "{line:?}");
        }
    }
}

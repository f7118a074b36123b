//! Programs that come from a package registry: installed once under `target/`, kept
//! from run to run, and safe to ask for from several tests and processes at a time.
//!
//! Only the installation sees this machine's environment (it says where the registries
//! are); what runs later does not.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::require;

/// What stands in for `package.json`: one dependency is pinned by hand, for the range
/// that verdaccio asks for names a release that is not everywhere to be had.
const VERDACCIO: &str = r#"{
  "private": true,
  "dependencies": { "verdaccio": "6.8.0" },
  "overrides": { "node-fetch": "2.7.0" }
}
"#;

/// The command-line client that most agents are.
const CLAUDE_CODE: &str = "@anthropic-ai/claude-code@2.1.197";

/// The vendors' libraries that agents are written with.
const PYTHON_PACKAGES: [&str; 2] = ["anthropic==2.12.0", "openai==3.54.0"];

/// The script that starts verdaccio, or a skip told under the name of `test`.
///
/// # Panics
/// When it cannot be installed where everything is required.
pub fn verdaccio(test: &str) -> Option<PathBuf> {
    require::program(test, "node")?;
    let npm = require::program(test, "npm")?;
    let installed = installed("verdaccio", VERDACCIO, |folder| {
        fs::write(folder.join("package.json"), VERDACCIO)?;
        let mut install = Command::new(npm);
        install.args(["install", "--no-audit", "--no-fund", "--loglevel=error"]);
        succeed(install.current_dir(folder))
    });
    let folder = told(test, "verdaccio cannot be installed", installed)?;
    Some(folder.join("node_modules/verdaccio/bin/verdaccio"))
}

/// A prefix of npm's, as a user has one in the home, with the client `claude` in its `bin`; or
/// a skip told under the name of `test`.
///
/// # Panics
/// When it cannot be installed where everything is required.
pub fn claude_code(test: &str) -> Option<PathBuf> {
    let npm = require::program(test, "npm")?;
    let installed = installed("claude-code", CLAUDE_CODE, |folder| {
        let mut install = Command::new(npm);
        install.args(["install", "--global", "--no-audit", "--no-fund"]);
        install.args(["--loglevel=error", "--prefix"]).arg(folder);
        succeed(install.arg(CLAUDE_CODE))
    });
    told(test, "Claude Code cannot be installed", installed)
}

/// A Python that knows the vendors' libraries.
pub struct Python {
    /// The interpreter itself, not a wrapper that needs the user's environment.
    pub interpreter: PathBuf,
    /// What `PYTHONPATH` must say.
    pub packages: PathBuf,
}

/// That Python, or a skip told under the name of `test`.
///
/// # Panics
/// When the libraries cannot be installed where everything is required.
pub fn python(test: &str) -> Option<Python> {
    let (interpreter, answer) = asked_python(test)?;
    // Packages with native parts fit one version of Python only.
    let recipe = format!("{PYTHON_PACKAGES:?} for {answer}");
    let installed = installed("python", &recipe, |folder| {
        let mut install = Command::new(&interpreter);
        install.args(["-m", "pip", "install", "--quiet", "--no-input", "--target"]);
        succeed(install.arg(folder).args(PYTHON_PACKAGES))
    });
    let packages = told(test, "the Python libraries cannot be installed", installed)?;
    Some(Python {
        interpreter,
        packages,
    })
}

/// A Python with nothing but its standard library, or a skip told under the name of
/// `test`.
///
/// # Panics
/// When there is none where everything is required.
pub fn interpreter(test: &str) -> Option<PathBuf> {
    Some(asked_python(test)?.0)
}

/// The interpreter itself, and what it says of itself.
fn asked_python(test: &str) -> Option<(PathBuf, String)> {
    let python = require::program(test, "python3")?;
    let question = "import sys; print(sys.executable); print(sys.version)";
    let asked = Command::new(python).args(["-c", question]).output();
    let answer = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let answer = told(test, "python3 does not run", answer)?;
    let interpreter = PathBuf::from(answer.lines().next().unwrap_or_default());
    Some((interpreter, answer))
}

pub(crate) fn told<T>(test: &str, what: &str, result: io::Result<T>) -> Option<T> {
    result
        .map_err(|why| require::skip(test, &format!("{what}: {why}")))
        .ok()
}

/// The folder in which `install` has succeeded for this very `recipe`, now or earlier.
pub(crate) fn installed(
    name: &str,
    recipe: &str,
    install: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let all = target().join("test-programs");
    fs::create_dir_all(&all)?;
    let lock = File::create(all.join(format!("{name}.lock")))?;
    lock.lock()?;
    let folder = all.join(name);
    let stamp = all.join(format!("{name}.recipe"));
    if fs::read_to_string(&stamp).is_ok_and(|done| done == recipe) && folder.is_dir() {
        return Ok(folder);
    }
    for stale in [&stamp, &folder] {
        match fs::remove_dir_all(stale).or_else(|_| fs::remove_file(stale)) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
            _ => {}
        }
    }
    fs::create_dir(&folder)?;
    install(&folder)?;
    fs::write(&stamp, recipe)?;
    Ok(folder)
}

fn target() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(default, PathBuf::from)
}

/// Runs it to its end; what it complains of is the error.
pub(crate) fn succeed(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{} {complaint}", output.status)))
}

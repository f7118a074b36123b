//! The image that agents run in: a small Debian with what an agent works with, made from
//! the distribution's packages, for no registry of images is asked.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::engine::Engine;
use crate::require;
use crate::test_programs::{installed, succeed};

/// What is in it. Nothing is configured, so what would be pulled in as essential is named.
const PACKAGES: [&str; 19] = [
    "base-files",
    "base-passwd",
    "bash",
    "ca-certificates",
    "coreutils",
    "curl",
    "dash",
    "findutils",
    "git",
    "grep",
    "gzip",
    "hostname",
    "libc-bin",
    "openssh-client",
    "procps",
    "python3",
    "sed",
    "tar",
    "util-linux",
];

/// What is left out: most of the time goes into writing files.
const LEFT_OUT: [&str; 9] = [
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
    "/usr/share/zoneinfo/*",
    "/usr/share/bash-completion/*",
    "/usr/lib/python3*/test/*",
    "/usr/share/perl/*",
    "/usr/lib/*/gconv/*",
];

/// What the packages' own scripts would have done, had they run: the users' table, and a
/// user with a home.
const FINISH: &str = r#"cd "$1"
cp usr/share/base-passwd/passwd.master etc/passwd
cp usr/share/base-passwd/group.master etc/group
echo 'agent:x:1000:1000::/home/agent:/bin/bash' >>etc/passwd
echo 'agent:x:1000:' >>etc/group
mkdir -p home/agent
chown 1000:1000 home/agent"#;

/// Every image of these tests bears this label.
const LABEL: &str = "LABEL bottle.test=image";

/// The reference of the image: made once per machine (`target/test-programs`), brought into
/// this engine once; or a skip told under the name of `test`.
///
/// # Panics
/// When it cannot be made where everything is required.
pub fn agent_image(test: &str, engine: &Engine) -> Option<&'static str> {
    static IMAGE: OnceLock<Result<String, String>> = OnceLock::new();
    let made = IMAGE.get_or_init(|| make(engine).map_err(|why| why.to_string()));
    made.as_deref()
        .map_err(|why| require::skip(test, &format!("no image for agents: {why}")))
        .ok()
}

fn make(engine: &Engine) -> io::Result<String> {
    let suite = suite()?;
    let recipe = format!("{suite} {PACKAGES:?} {LEFT_OUT:?} {FINISH} {LABEL}");
    let mut hasher = DefaultHasher::new();
    recipe.hash(&mut hasher);
    let image = format!("bottle-test-agent:{:016x}", hasher.finish());
    if engine.run(&["image", "inspect", &image]).status.success() {
        return Ok(image);
    }
    let folder = installed("agent-image", &recipe, |folder| gather(&suite, folder))?;
    let archive = folder.join("image.tar");
    let archive = archive.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
    engine.ask(&["import", "--change", LABEL, archive, &image]);
    Ok(image)
}

/// The release that this machine runs: its archive's keys are here.
fn suite() -> io::Result<String> {
    let release = fs::read_to_string("/etc/os-release")?;
    let name = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let name = name.ok_or_else(|| io::Error::other("/etc/os-release names no release"))?;
    Ok(name.trim_matches('"').to_owned())
}

fn gather(suite: &str, folder: &Path) -> io::Result<()> {
    let program = require::find("mmdebstrap");
    let program = program.ok_or_else(|| io::Error::other("`mmdebstrap` is not on the PATH"))?;
    let mut gather = Command::new(program);
    // Unpacked and not configured: a third of the time.
    gather.args(["--variant=extract", "--format=tar", "--quiet"]);
    gather.arg(format!("--include={}", PACKAGES.join(",")));
    gather.arg("--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr");
    gather.arg(r#"--aptopt=Acquire::Languages "none""#);
    for path in LEFT_OUT {
        gather.arg(format!("--dpkgopt=path-exclude={path}"));
    }
    gather.arg(format!("--extract-hook={FINISH}"));
    gather.arg(suite).arg(folder.join("image.tar"));
    succeed(&mut gather)
}

//! The files of one start: for the engine, for the sandbox, and where the sandbox's user finds
//! them.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{etc, tree};
use crate::bottle::state::State;
use crate::manifest::WorkdirMode;
use crate::plan::{HomeFile, Workdir};

/// Who nobody else is: what an agent of root's runs as, where no file of its work says.
const NOBODY_ELSE: (u32, u32) = (65532, 65532);

/// Where root keeps what a sandbox of another user reads: its own state is closed to others.
const COMMON: &str = "/var/tmp";

/// Who the sandbox runs as outside; none: as the launcher.
pub(super) fn user(workdir: &Workdir) -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    match (workdir.mode, workdir.owner) {
        (WorkdirMode::Bind, Some((0, _))) => None,
        (WorkdirMode::Bind, Some(owner)) => Some(owner),
        (WorkdirMode::Bind | WorkdirMode::Copy | WorkdirMode::None, _) => Some(NOBODY_ELSE),
    }
}

/// The directories of a start.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// What the sandbox's user may read.
    pub runtime: PathBuf,
    /// This program, where it may.
    pub launcher: PathBuf,
    /// The engine's routes.
    pub routes: PathBuf,
    user: Option<(u32, u32)>,
}

impl Place {
    /// Where it is going to be; `launcher` is this program.
    pub(super) fn of(state: &State, slug: &str, user: Option<(u32, u32)>, launcher: &Path) -> Self {
        let runtime = match user {
            Some(_) => Path::new(COMMON).join(format!("bottle-{slug}")),
            None => state.directory().join("runtime"),
        };
        Self {
            launcher: match user {
                Some(_) => runtime.join("bottle"),
                None => launcher.to_owned(),
            },
            routes: state.directory().join("routes.json"),
            runtime,
            user,
        }
    }

    /// Makes it all, but for a copy of the work directory.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub(super) fn fill(
        &self,
        launcher: &Path,
        routes_json: &str,
        files: &[HomeFile],
    ) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut routes = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.routes)?;
        io::Write::write_all(&mut routes, routes_json.as_bytes())?;
        // Made here and now, or somebody else's is used.
        DirBuilder::new().mode(0o700).create(&self.runtime)?;
        let (etc, home) = (self.runtime.join("etc"), self.runtime.join("files"));
        for directory in [&etc, &home] {
            fs::create_dir(directory)?;
            fs::set_permissions(directory, Permissions::from_mode(0o755))?;
        }
        for (name, text) in etc::FILES {
            let path = etc.join(name);
            fs::write(&path, text)?;
            fs::set_permissions(&path, Permissions::from_mode(0o644))?;
        }
        for file in files {
            let path = home.join(&file.path);
            fs::create_dir_all(path.parent().unwrap_or(&home))?;
            fs::write(path, &file.content)?;
        }
        if let Some(user) = self.user {
            // A second name costs nothing; across file systems it takes a copy.
            let linked = fs::metadata(launcher)?.mode() & 0o005 == 0o005
                && fs::hard_link(launcher, &self.launcher).is_ok();
            if !linked {
                fs::copy(launcher, &self.launcher)?;
                fs::set_permissions(&self.launcher, Permissions::from_mode(0o755))?;
            }
            for path in [&etc, &home] {
                tree::give(path, user)?;
            }
            std::os::unix::fs::lchown(&self.runtime, Some(user.0), Some(user.1))?;
        }
        Ok(())
    }

    /// Copies the work directory. Gives what was left out.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub(super) fn copy(&self, from: &Path) -> io::Result<Vec<PathBuf>> {
        let to = self.runtime.join("work");
        let left_out = tree::copy(from, &to)?;
        if let Some(user) = self.user {
            tree::give(&to, user)?;
        }
        Ok(left_out)
    }
}

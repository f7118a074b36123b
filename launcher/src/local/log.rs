//! The log of a local sidecar: kept to a bound by its launcher, shown by another.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::bottle::limits::{HEALTH_LOOK, LOG_LINES, LOG_OCTETS};

/// Where a sidecar's log is, and what it wrote before that.
fn paths(directory: &Path, sidecar: &str) -> [PathBuf; 2] {
    [".log", ".log.1"].map(|end| directory.join(format!("{sidecar}{end}")))
}

/// A log that keeps no more than twice [`LOG_OCTETS`].
pub(super) struct Log {
    paths: [PathBuf; 2],
    file: File,
    length: usize,
}

impl Log {
    /// An empty one.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub(super) fn create(directory: &Path, sidecar: &str) -> io::Result<Self> {
        let paths = paths(directory, sidecar);
        Ok(Self {
            file: File::create(&paths[0])?,
            paths,
            length: 0,
        })
    }

    /// Adds to it; the older half goes where it gets too long.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        if self.length > LOG_OCTETS {
            std::fs::rename(&self.paths[0], &self.paths[1])?;
            self.file = File::create(&self.paths[0])?;
            self.length = 0;
        }
        self.length += octets.len();
        self.file.write_all(octets)
    }
}

/// The last lines of a sidecar's log in `directory`, as they end a sentence.
pub(super) fn last_words(directory: &Path, sidecar: &str) -> String {
    let [path, _] = paths(directory, sidecar);
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.len().saturating_sub(LOG_LINES);
    let last = lines.get(last..).unwrap_or_default();
    match last.is_empty() {
        true => String::new(),
        false => format!("; its last words:\n{}", last.join("\n")),
    }
}

/// Gives the log of a sidecar of the bottle with this state to `write`; with `follow`, what
/// comes behind it too, as long as the bottle `runs`. Who can write no more has read enough.
///
/// # Errors
///
/// The file system's.
pub async fn show_log(
    (directory, sidecar): (&Path, &str),
    follow: bool,
    runs: &dyn Fn() -> bool,
    write: &dyn Fn(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let [path, old] = paths(directory, sidecar);
    // A bottle without the sidecar has no log of it.
    let open = || absent_is_none(File::open(&path));
    let mut old = absent_is_none(File::open(old))?;
    let mut log = open()?;
    for file in [&mut old, &mut log].into_iter().flatten() {
        if !pour(file, write)? {
            return Ok(());
        }
    }
    while follow && runs() {
        tokio::time::sleep(HEALTH_LOOK).await;
        if let Some(file) = &mut log
            && !pour(file, write)?
        {
            return Ok(());
        }
        let inode = |file: &File| file.metadata().map(|facts| facts.ino());
        if let Some(newer) = open()? {
            let same = match &log {
                Some(file) => inode(file)? == inode(&newer)?,
                None => false,
            };
            if !same {
                log = Some(newer);
            }
        }
    }
    Ok(())
}

fn absent_is_none(opened: io::Result<File>) -> io::Result<Option<File>> {
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives the rest of `file` to `write`. Gives whether somebody reads on.
fn pour(file: &mut File, write: &dyn Fn(&[u8]) -> io::Result<()>) -> io::Result<bool> {
    let mut octets = Vec::new();
    file.read_to_end(&mut octets)?;
    Ok(write(&octets).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_its_end_is_kept() {
        let place = tempfile::tempdir().expect("a directory");
        let mut log = Log::create(place.path(), "x").expect("a log");
        let line = format!("{}\n", "x".repeat(1023));
        for _ in 0..3 * LOG_OCTETS / line.len() {
            log.write(line.as_bytes()).expect("written");
        }
        log.write(b"the end\n").expect("written");
        for path in paths(place.path(), "x") {
            let length = std::fs::metadata(path).expect("a file").len();
            let length = usize::try_from(length).expect("a number");
            assert!(length <= LOG_OCTETS + line.len(), "{length}");
        }
        assert!(last_words(place.path(), "x").ends_with("x\nthe end"));
    }

    #[test]
    fn a_sidecar_that_said_nothing_has_no_last_words() {
        let place = tempfile::tempdir().expect("a directory");
        assert_eq!(last_words(place.path(), "x"), "");
    }
}

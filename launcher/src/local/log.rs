//! The log of a local engine: kept to a bound by its launcher, shown by another.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::bottle::limits::{HEALTH_LOOK, LOG_LINES, LOG_OCTETS};

/// What the engine wrote last.
const LOG: &str = "cred-proxy.log";

/// What it wrote before that.
const OLD_LOG: &str = "cred-proxy.log.1";

/// A log that keeps no more than twice [`LOG_OCTETS`].
pub(super) struct Log {
    directory: PathBuf,
    file: File,
    length: usize,
}

impl Log {
    /// An empty one.
    ///
    /// # Errors
    ///
    /// The file system's.
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::create(directory.join(LOG))?,
            directory: directory.to_owned(),
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
            let names = [LOG, OLD_LOG].map(|name| self.directory.join(name));
            std::fs::rename(&names[0], &names[1])?;
            self.file = File::create(&names[0])?;
            self.length = 0;
        }
        self.length += octets.len();
        self.file.write_all(octets)
    }
}

/// The last lines of the log in `directory`, as they end a sentence.
pub(super) fn last_words(directory: &Path) -> String {
    let text = std::fs::read(directory.join(LOG)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.len().saturating_sub(LOG_LINES);
    let last = lines.get(last..).unwrap_or_default();
    match last.is_empty() {
        true => String::new(),
        false => format!("; its last words:\n{}", last.join("\n")),
    }
}

/// Gives the log of the bottle with this state to `write`; with `follow`, what comes behind it
/// too, as long as the bottle `runs`. Who can write no more has read enough.
///
/// # Errors
///
/// The file system's.
pub async fn show_log(
    directory: &Path,
    follow: bool,
    runs: &dyn Fn() -> bool,
    write: &dyn Fn(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let path = directory.join(LOG);
    // One that has no engine has no log.
    let open = || absent_is_none(File::open(&path));
    let mut old = absent_is_none(File::open(directory.join(OLD_LOG)))?;
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
        let mut log = Log::create(place.path()).expect("a log");
        let line = format!("{}\n", "x".repeat(1023));
        for _ in 0..3 * LOG_OCTETS / line.len() {
            log.write(line.as_bytes()).expect("written");
        }
        log.write(b"the end\n").expect("written");
        let size = |name: &str| {
            let facts = std::fs::metadata(place.path().join(name)).expect("a file");
            usize::try_from(facts.len()).expect("its length")
        };
        assert!(size(LOG) <= LOG_OCTETS + line.len() && size(OLD_LOG) <= LOG_OCTETS + line.len());
        assert!(last_words(place.path()).ends_with("x\nthe end"));
    }

    #[test]
    fn an_engine_that_said_nothing_has_no_last_words() {
        let place = tempfile::tempdir().expect("a directory");
        assert_eq!(last_words(place.path()), "");
    }
}

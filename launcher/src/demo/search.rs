//! A search for the token in all that a process can read.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use memchr::memmem::Finder;

/// The host's own programs: read-only, and nobody's secret.
const PROGRAMS: [&str; 1] = ["/usr"];

/// What is no file, whatever it looks like.
const KERNEL: [&str; 3] = ["/dev", "/proc", "/sys"];

/// A file is looked at to this many octets.
const FILE_OCTETS: u64 = 64 << 20;

/// What was looked at, and where the mark was.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) looked_at: usize,
    pub(super) places: Vec<PathBuf>,
}

impl Found {
    fn look(&mut self, path: &Path, mark: &Finder<'_>) {
        let mut octets = Vec::new();
        let read =
            File::open(path).and_then(|file| file.take(FILE_OCTETS).read_to_end(&mut octets));
        // What it may not read tells it nothing.
        if read.is_ok() {
            self.looked_at += 1;
            if mark.find(&octets).is_some() {
                self.places.push(path.to_owned());
            }
        }
    }
}

/// Environment and arguments of every process that can be seen.
pub(super) fn processes(mark: &str) -> Found {
    let mark = Finder::new(mark);
    let mut found = Found::default();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter(|entry| {
        let name = entry.file_name();
        name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
    });
    for process in numbers {
        for file in ["environ", "cmdline"] {
            found.look(&process.path().join(file), &mark);
        }
    }
    found
}

/// Every file below the root that is not the kernel's or one of the host's programs.
pub(super) fn files(mark: &str) -> Found {
    let mark = Finder::new(mark);
    let mut found = Found::default();
    let mut folders = vec![PathBuf::from("/")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let left_out = KERNEL
                .iter()
                .chain(&PROGRAMS)
                .any(|out| path == Path::new(out));
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            match kind.is_dir() {
                true if !left_out => folders.push(path),
                // A link leads to what is found by itself; a pipe would hold the search up.
                false if kind.is_file() && !kind.is_fifo() => found.look(&path, &mark),
                true | false => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_what_is_there() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("file");
        fs::write(&path, "before MARK after").expect("written");
        let mut found = Found::default();
        found.look(&path, &Finder::new("MARK"));
        found.look(&path, &Finder::new("NONE"));
        found.look(&place.path().join("absent"), &Finder::new("MARK"));
        assert_eq!(
            found,
            Found {
                looked_at: 2,
                places: vec![path]
            }
        );
    }

    #[test]
    fn a_process_is_seen_with_its_environment() {
        // Every process here has a PATH; our own at least can be read.
        let found = processes("PATH=");
        assert!(
            found.looked_at >= 2 && !found.places.is_empty(),
            "{found:?}"
        );
    }
}

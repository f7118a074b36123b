//! Tar archives for the engine: small ones in memory, a work directory as a stream.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, readlinkat, statat};
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;

use super::limits::{PIECE_OCTETS, PIECES_WAITING};

/// Who owns what is unpacked: user and group.
pub(super) type Owner = (u32, u32);

/// An archive in memory.
pub(super) struct Archive {
    builder: Builder<Vec<u8>>,
    owner: Owner,
}

impl Archive {
    /// An empty one whose entries belong to `owner`.
    pub(super) fn of(owner: Owner) -> Self {
        Self {
            builder: Builder::new(Vec::new()),
            owner,
        }
    }

    /// Adds a directory; one that is there already takes over owner and mode.
    ///
    /// # Errors
    ///
    /// The path can't stand in an archive.
    pub(super) fn directory(&mut self, path: &Path, mode: u32) -> io::Result<()> {
        let mut header = header(EntryType::Directory, 0, mode, self.owner);
        self.builder
            .append_data(&mut header, inner(path), io::empty())
    }

    /// Adds a file.
    ///
    /// # Errors
    ///
    /// The path can't stand in an archive.
    pub(super) fn file(&mut self, path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
        let size = content.len() as u64;
        let mut header = header(EntryType::Regular, size, mode, self.owner);
        self.builder.append_data(&mut header, inner(path), content)
    }

    /// The whole archive.
    ///
    /// # Errors
    ///
    /// None that memory has.
    pub(super) fn finish(self) -> io::Result<Vec<u8>> {
        self.builder.into_inner()
    }
}

/// Archives are unpacked below a directory; none of their paths is absolute.
fn inner(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

fn header(kind: EntryType, size: u64, mode: u32, owner: Owner) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(owner.0.into());
    header.set_gid(owner.1.into());
    header.set_mtime(0);
    header
}

/// What a copy of a directory left out.
pub(super) type LeftOut = Vec<PathBuf>;

/// Writes the directory `from` into an archive that is read while it is written, as `to`,
/// owned by `owner`. Links stay links; sockets, pipes and devices are left out, and said.
/// No directory of another file system is left out: what is there belongs to the work.
pub(super) fn copy_directory(
    from: PathBuf,
    to: PathBuf,
    owner: Owner,
) -> (
    mpsc::Receiver<io::Result<Bytes>>,
    std::thread::JoinHandle<LeftOut>,
) {
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    let writer = std::thread::spawn(move || {
        let mut left_out = Vec::new();
        let pieces = Pieces {
            sender: sender.clone(),
            piece: Vec::with_capacity(PIECE_OCTETS),
        };
        let mut builder = Builder::new(pieces);
        let done = open(CWD, from.as_os_str(), OFlags::DIRECTORY)
            .and_then(|folder| {
                append_folder(
                    &mut builder,
                    folder,
                    (&from, inner(&to)),
                    owner,
                    &mut left_out,
                )
            })
            .and_then(|()| builder.into_inner())
            .and_then(|mut pieces| pieces.flush());
        if let Err(error) = done {
            // Nobody reads any more: the upload has failed, and says why itself.
            let _gone = sender.blocking_send(Err(error));
        }
        left_out
    });
    (receiver, writer)
}

/// Opens what has this name in a directory, and nothing that it is a link to: an agent that
/// is at work there could make one of anything after somebody looked.
///
/// # Errors
///
/// The kernel's.
pub(crate) fn open(folder: impl AsFd, name: &OsStr, flags: OFlags) -> io::Result<File> {
    // A pipe without a writer would keep us waiting.
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(openat(folder, name, flags, Mode::empty())?))
}

/// Appends a folder that is open. `paths`: its own, for messages, and that in the archive.
fn append_folder(
    builder: &mut Builder<Pieces>,
    folder: File,
    (from, to): (&Path, &Path),
    owner: Owner,
    left_out: &mut LeftOut,
) -> io::Result<()> {
    let place =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", from.display()));
    let mut header = header_of(&folder.metadata().map_err(place)?, owner);
    builder.append_data(&mut header, to, io::empty())?;
    let mut names = Vec::new();
    for entry in Dir::read_from(&folder).map_err(|error| place(error.into()))? {
        let name = entry.map_err(|error| place(error.into()))?;
        let name = OsStr::from_bytes(name.file_name().to_bytes()).to_owned();
        names.extend(Some(name).filter(|name| name != "." && name != ".."));
    }
    names.sort();
    for name in names {
        let (from, to) = (from.join(&name), to.join(&name));
        append(builder, (&folder, &name), (&from, &to), owner, left_out).map_err(|error| {
            match error.to_string().contains('/') {
                true => error,
                false => io::Error::new(error.kind(), format!("{}: {error}", from.display())),
            }
        })?;
    }
    Ok(())
}

fn append(
    builder: &mut Builder<Pieces>,
    (folder, name): (&File, &OsStr),
    (from, to): (&Path, &Path),
    owner: Owner,
    left_out: &mut LeftOut,
) -> io::Result<()> {
    let facts = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    match FileType::from_raw_mode(facts.st_mode) {
        FileType::Symlink => {
            let target = readlinkat(folder, name, Vec::new())?;
            let mut header = header(EntryType::Symlink, 0, 0o777, owner);
            builder.append_link(&mut header, to, OsStr::from_bytes(target.to_bytes()))
        }
        FileType::Directory => {
            let folder = open(folder, name, OFlags::DIRECTORY)?;
            append_folder(builder, folder, (from, to), owner, left_out)
        }
        FileType::RegularFile => {
            let file = open(folder, name, OFlags::empty())?;
            let facts = file.metadata()?;
            if !facts.is_file() {
                left_out.push(from.to_owned());
                return Ok(());
            }
            let mut header = header_of(&facts, owner);
            // A file that grows or shrinks meanwhile must not break the archive.
            let content = io::Read::take(file, facts.len());
            let padded = io::Read::take(io::Read::chain(content, io::repeat(0)), facts.len());
            builder.append_data(&mut header, to, padded)
        }
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => {
            left_out.push(from.to_owned());
            Ok(())
        }
    }
}

fn header_of(facts: &std::fs::Metadata, owner: Owner) -> Header {
    let mut header = Header::new_gnu();
    header.set_metadata(facts);
    header.set_uid(owner.0.into());
    header.set_gid(owner.1.into());
    header
}

/// Cuts what is written into pieces and sends them.
struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let room = PIECE_OCTETS - self.piece.len();
        let taken = octets.len().min(room);
        self.piece.extend_from_slice(&octets[..taken]);
        if self.piece.len() == PIECE_OCTETS {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_OCTETS));
        let sent = self.sender.blocking_send(Ok(Bytes::from(piece)));
        sent.map_err(|_gone| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::io::Read;

    fn entries(archive: &[u8]) -> BTreeMap<String, (EntryType, u64, Vec<u8>)> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().expect("an archive");
        entries
            .map(|entry| {
                let mut entry = entry.expect("an entry");
                let path = entry.path().expect("a path").display().to_string();
                let header = entry.header();
                let (kind, uid) = (header.entry_type(), header.uid().expect("a user"));
                let mut content = Vec::new();
                entry.read_to_end(&mut content).expect("content");
                (path, (kind, uid, content))
            })
            .collect()
    }

    #[test]
    fn a_small_archive_holds_what_was_put_in_below_its_root() {
        let mut archive = Archive::of((1000, 100));
        archive
            .directory(Path::new("/home/a"), 0o755)
            .expect("added");
        archive
            .file(Path::new("/home/a/.npmrc"), 0o600, b"x=1\n")
            .expect("added");
        let found = entries(&archive.finish().expect("an archive"));
        assert_eq!(found["home/a"].0, EntryType::Directory);
        assert_eq!(
            found["home/a/.npmrc"],
            (EntryType::Regular, 1000, b"x=1\n".to_vec())
        );
    }

    #[test]
    fn a_link_or_a_pipe_in_the_place_of_a_file_is_not_opened() {
        let place = tempfile::tempdir().expect("a directory");
        let secret = place.path().join("secret");
        std::fs::write(&secret, "s3cret").expect("written");
        std::os::unix::fs::symlink(&secret, place.path().join("link")).expect("a link");
        std::os::unix::fs::symlink(place.path(), place.path().join("up")).expect("a link");
        let folder = File::open(place.path()).expect("open");
        // As if it had been a file when somebody looked.
        assert!(open(&folder, OsStr::new("link"), OFlags::empty()).is_err());
        assert!(open(&folder, OsStr::new("up"), OFlags::DIRECTORY).is_err());
        let pipe = place.path().join("pipe");
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, mode, 0).expect("a pipe");
        let opened = open(&folder, OsStr::new("pipe"), OFlags::empty()).expect("without waiting");
        assert!(!opened.metadata().expect("facts").is_file());
    }

    #[test]
    fn a_copy_holds_files_links_and_long_paths_and_says_what_it_left_out() {
        let place = tempfile::tempdir().expect("a directory");
        let deep = place.path().join("d".repeat(120)).join("e".repeat(120));
        std::fs::create_dir_all(&deep).expect("made");
        let large = vec![7_u8; 3 * PIECE_OCTETS + 5];
        std::fs::write(deep.join("large"), &large).expect("written");
        std::os::unix::fs::symlink("/nowhere/else", place.path().join("link")).expect("a link");
        let socket = place.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        let (mut pieces, writer) = copy_directory(place.path().into(), "/work".into(), (7, 8));
        let mut archive = Vec::new();
        while let Some(piece) = pieces.blocking_recv() {
            archive.extend_from_slice(&piece.expect("a piece"));
        }
        assert_eq!(writer.join().expect("the writer"), [socket]);
        let found = entries(&archive);
        let path = format!("work/{}/{}/large", "d".repeat(120), "e".repeat(120));
        assert_eq!(found[&path], (EntryType::Regular, 7, large));
        assert_eq!(found["work/link"].0, EntryType::Symlink);
        assert!(!found.contains_key("work/socket"));
    }
}

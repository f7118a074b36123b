//! Descriptors that a process was left by who started it.

use std::io;
use std::path::Path;

/// Standard input, output and error.
const STANDARD: i32 = 2;

/// Closes all but the standard streams. To be called before anything is opened: terminals and
/// editors leave descriptors behind, and a directory among them is a way out of a sandbox.
///
/// # Errors
///
/// `/proc` can't be read, or one can't be closed.
pub(super) fn close_inherited() -> io::Result<()> {
    for descriptor in open()? {
        match nix::unistd::close(descriptor) {
            // The directory that was read for this list.
            Ok(()) | Err(nix::errno::Errno::EBADF) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match open()?.len() {
        // The one that this list was read through.
        0 | 1 => Ok(()),
        count => Err(io::Error::other(format!("{count} descriptors stay open"))),
    }
}

fn open() -> io::Result<Vec<i32>> {
    let entries = Path::new("/proc/self/fd").read_dir()?;
    let mut descriptors = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number: Option<i32> = name.to_str().and_then(|name| name.parse().ok());
        descriptors.extend(number.filter(|number| *number > STANDARD));
    }
    Ok(descriptors)
}

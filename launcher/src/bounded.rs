//! What is read from outside: so much and no more, into memory that is wiped.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a file whole.
///
/// # Errors
///
/// The file system's, or that it is longer than so many octets.
pub(crate) fn read_file(path: &Path, limit_octets: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let octets = read_at_most(&mut File::open(path)?, limit_octets)?;
    match octets.len() <= limit_octets {
        true => Ok(octets),
        false => {
            let text = format!("it is longer than {limit_octets} octets");
            Err(io::Error::other(text))
        }
    }
}

/// Reads to the end, or one octet past the limit, into memory that is wiped. It is allocated
/// once, for growing would leave copies behind.
pub(crate) fn read_at_most(
    input: &mut impl Read,
    limit_octets: usize,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut octets = Zeroizing::new(vec![0; limit_octets + 1]);
    let mut filled = 0;
    loop {
        match input.read(&mut octets[filled..]) {
            // The end of input, or of the memory.
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    octets.truncate(filled);
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, "123").expect("written");
        let read = |limit| read_file(&path, limit).map(|octets| octets.to_vec());
        assert_eq!(read(4).expect("shorter"), b"123");
        assert_eq!(read(3).expect("as long as may be"), b"123");
        let told = read(2).expect_err("one octet too long").to_string();
        assert_eq!(told, "it is longer than 2 octets");
    }
}

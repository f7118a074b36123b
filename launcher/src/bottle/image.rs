//! Images made FROM scratch, of one static program and the host's certificates.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::archive::Archive;
use super::elf;
use super::label::of_image;
use super::limits::PROGRAM_OCTETS;
use crate::docker::ImageSpec;

/// Who the program runs as: nobody that any host knows.
pub(super) const USER: (u32, u32) = (65532, 65532);

/// Where the certificates stand in the image.
pub(super) const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A static program that is to become an image.
pub(super) struct Program {
    /// Its name, in the image as `/name`, and as `bottle/name` the image's.
    pub name: &'static str,
    octets: Vec<u8>,
    certificates: Vec<u8>,
    content: String,
}

/// Why a program can't become an image.
#[derive(Debug)]
pub(super) enum ProgramError {
    /// It can't be read.
    Unreadable(PathBuf, io::Error, &'static str),
    /// It does not run in an empty image.
    NotStatic(PathBuf, elf::NotStatic, &'static str),
}

impl fmt::Display for ProgramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProgramError::Unreadable(path, error, name) => {
                let path = path.display();
                let option = if *name == "bottle-gate" {
                    "--gate"
                } else {
                    "--engine"
                };
                write!(
                    f,
                    "the program {path} can't be read ({error}): put {name} beside bottle, or name it with {option}"
                )
            }
            ProgramError::NotStatic(path, why, name) => {
                let path = path.display();
                write!(
                    f,
                    "{path} does not run in an empty image: {why}; build it with `cargo build --release --bin {name}` in the sources of bottle, whose settings make it static"
                )
            }
        }
    }
}

impl Program {
    /// Reads a program; `certificates` may be empty.
    ///
    /// # Errors
    ///
    /// It can't be read, or is not static.
    pub(super) fn read(
        path: &Path,
        name: &'static str,
        certificates: Vec<u8>,
    ) -> Result<Self, ProgramError> {
        let octets = static_program(path, name)?;
        let mut hash = Sha256::new();
        hash.update(dockerfile(name));
        for part in [&octets, &certificates] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let content = hash
            .finalize()
            .iter()
            .take(8)
            .map(|o| format!("{o:02x}"))
            .collect();
        Ok(Self {
            name,
            octets,
            certificates,
            content,
        })
    }

    /// The image's name; its tag is what it is made of, so another program is another image.
    pub(super) fn tag(&self) -> String {
        format!("bottle/{}:{}", self.name, self.content)
    }

    /// The image.
    ///
    /// # Errors
    ///
    /// None that memory has.
    pub(super) fn image(&self) -> io::Result<ImageSpec> {
        let mut context = Archive::of((0, 0));
        context.file(
            Path::new("Dockerfile"),
            0o644,
            dockerfile(self.name).as_bytes(),
        )?;
        context.file(Path::new(self.name), 0o755, &self.octets)?;
        context.file(Path::new("ca-certificates.crt"), 0o644, &self.certificates)?;
        Ok(ImageSpec {
            tag: self.tag(),
            labels: of_image(&self.content),
            context: context.finish()?,
        })
    }
}

/// The octets of a static program.
///
/// # Errors
///
/// It can't be read, or is not static.
pub(super) fn static_program(path: &Path, name: &'static str) -> Result<Vec<u8>, ProgramError> {
    let unreadable = |error| ProgramError::Unreadable(path.to_owned(), error, name);
    let mut octets = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    io::Read::read_to_end(&mut io::Read::take(file, PROGRAM_OCTETS), &mut octets)
        .map_err(unreadable)?;
    elf::check_static(&octets)
        .map_err(|why| ProgramError::NotStatic(path.to_owned(), why, name))?;
    Ok(octets)
}

fn dockerfile(name: &str) -> String {
    let (user, group) = USER;
    format!(
        "FROM scratch\nCOPY {name} /{name}\nCOPY ca-certificates.crt {CERTIFICATES}\n\
         ENV SSL_CERT_FILE={CERTIFICATES}\nUSER {user}:{group}\nENTRYPOINT [\"/{name}\"]\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_or_certificate_is_another_image() {
        let own = Path::new("/proc/self/exe");
        let read = |certificates: &[u8]| {
            let program = Program::read(own, "bottle", certificates.to_vec());
            program
                .map_err(|error| error.to_string())
                .expect("a static test")
        };
        let (one, two) = (read(b"a"), read(b"b"));
        assert_ne!(one.tag(), two.tag());
        assert_eq!(one.tag(), read(b"a").tag());
        assert!(one.tag().starts_with("bottle/bottle:"));
    }

    #[test]
    fn what_is_no_static_program_names_the_command_that_makes_one() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("cred-proxy");
        let absent = Program::read(&path, "cred-proxy", Vec::new()).err();
        assert!(absent.is_some_and(|error| error.to_string().contains("--engine")));
        std::fs::write(&path, "#!/bin/sh\n").expect("written");
        let script = Program::read(&path, "cred-proxy", Vec::new()).err();
        let script = script.map(|error| error.to_string()).unwrap_or_default();
        assert!(
            script.contains("cargo build --release --bin cred-proxy"),
            "{script}"
        );
    }
}

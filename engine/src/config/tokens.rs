//! Where tokens come from: the environment, files, or records on standard input.

use super::Problem;
use crate::limits;
use crate::policy::Secret;
use core::fmt;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const STDIN: &str = "--tokens-stdin";

/// Where a route's token is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TokenPlace {
    /// A record of standard input, or else an environment variable.
    Variable(String),
    /// A file; one newline at its end is no part of the token.
    File(PathBuf),
}

/// The name as a log line and an answer show it.
impl fmt::Display for TokenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenPlace::Variable(name) => f.write_str(name),
            TokenPlace::File(path) => path.display().fmt(f),
        }
    }
}

/// Tokens by name. It is asked again at each reload, so records are kept.
///
/// Holds tokens, hence no `Debug`.
pub struct TokenSource {
    records: BTreeMap<String, Secret>,
    environment: fn(&str) -> Option<OsString>,
}

impl TokenSource {
    /// The environment of this process.
    pub fn environment() -> TokenSource {
        TokenSource::of(|name| std::env::var_os(name))
    }

    /// Another environment, for tests.
    pub fn of(environment: fn(&str) -> Option<OsString>) -> TokenSource {
        TokenSource {
            records: BTreeMap::new(),
            environment,
        }
    }

    /// The environment, and in front of it the records of standard input (`--tokens-stdin`).
    ///
    /// `io::stdin` would leave a copy in a buffer that nobody wipes; its descriptor is
    /// read without one.
    pub fn from_stdin() -> Result<TokenSource, Vec<Problem>> {
        match io::stdin().as_fd().try_clone_to_owned() {
            Ok(descriptor) => TokenSource::environment().with_records(File::from(descriptor)),
            Err(error) => Err(vec![Problem::new(STDIN, ReadError::Io(error))]),
        }
    }

    /// Reads `NAME=VALUE` records, each ended by NUL, until the end of `input`. A record
    /// without its NUL is an error: what wrote it may have died within the token.
    pub fn with_records(mut self, mut input: impl Read) -> Result<TokenSource, Vec<Problem>> {
        let octets = match read_at_most(&mut input, limits::TOKENS_STDIN_OCTETS) {
            Ok(octets) => octets,
            Err(error) => return Err(vec![Problem::new(STDIN, error)]),
        };
        let mut problems = Vec::new();
        for (index, record) in octets.split_inclusive(|octet| *octet == 0).enumerate() {
            if let Err(error) = self.add_record(record) {
                // Its number alone: a bad record may be a token without a name.
                let text = format_args!("record {} {error}", index + 1);
                problems.push(Problem::new(STDIN, text));
            }
        }
        if problems.is_empty() {
            Ok(self)
        } else {
            Err(problems)
        }
    }

    fn add_record(&mut self, record: &[u8]) -> Result<(), &'static str> {
        let record = record
            .strip_suffix(b"\0")
            .ok_or("does not end with NUL: was it cut off?")?;
        let Some(equals) = record.iter().position(|octet| *octet == b'=') else {
            return Err("has no `=`: write NAME=VALUE");
        };
        let name = match core::str::from_utf8(&record[..equals]) {
            Ok(name) if is_variable_name(name) => name.to_owned(),
            Ok(_) | Err(_) => return Err("has no name of visible ASCII before its `=`"),
        };
        let value = Secret::new(record[equals + 1..].to_vec());
        match self.records.insert(name, value) {
            Some(_) => Err("has the name of an earlier record: keep one"),
            None => Ok(()),
        }
    }

    /// The token as it stands at `place`, which may be no usable one.
    pub(super) fn token(&self, place: &TokenPlace) -> Result<Secret, TokenMissing> {
        match place {
            TokenPlace::Variable(name) => {
                if let Some(secret) = self.records.get(name) {
                    let mut copy = Vec::with_capacity(secret.len());
                    secret.write_into(&mut copy);
                    return not_empty(Secret::new(copy));
                }
                let value = (self.environment)(name).ok_or(TokenMissing::Unset)?;
                not_empty(Secret::new(value.into_vec()))
            }
            TokenPlace::File(path) => read_token_file(path),
        }
    }
}

/// Why there is no token at its place.
#[derive(Debug)]
pub(super) enum TokenMissing {
    /// Nothing there, or nothing in it.
    Unset,
    /// The file cannot be read.
    Unreadable(ReadError),
}

fn not_empty(secret: Secret) -> Result<Secret, TokenMissing> {
    if secret.is_empty() {
        Err(TokenMissing::Unset)
    } else {
        Ok(secret)
    }
}

fn read_token_file(path: &Path) -> Result<Secret, TokenMissing> {
    let mut file = File::open(path).map_err(|error| TokenMissing::Unreadable(error.into()))?;
    let octets = read_at_most(&mut file, limits::TOKEN_OCTETS).map_err(TokenMissing::Unreadable)?;
    let token = match octets.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => &octets[..],
    };
    not_empty(Secret::new(token.to_vec()))
}

/// What an environment can hold, of visible ASCII.
pub(super) fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|octet| octet.is_ascii_graphic() && octet != b'=')
}

/// Why something was not read to its end.
#[derive(Debug)]
pub(super) enum ReadError {
    Io(io::Error),
    TooLong { limit: usize },
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        ReadError::Io(error)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(error) => write!(f, "cannot be read: {error}"),
            ReadError::TooLong { limit } => write!(f, "is longer than {limit} octets"),
        }
    }
}

/// Reads to the end into memory that is wiped. It is allocated once, for growing would
/// leave copies behind.
pub(super) fn read_at_most(
    input: &mut impl Read,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let mut octets = Zeroizing::new(vec![0; limit + 1]);
    let mut filled = 0;
    loop {
        match input.read(&mut octets[filled..]) {
            // The end of input, or of the memory, which has room for one octet too many.
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    if filled > limit {
        return Err(ReadError::TooLong { limit });
    }
    octets.truncate(filled);
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &TokenSource, place: &TokenPlace) -> Option<String> {
        let mut octets = Vec::new();
        source.token(place).ok()?.write_into(&mut octets);
        Some(String::from_utf8(octets).expect("UTF-8"))
    }

    fn variable(name: &str) -> TokenPlace {
        TokenPlace::Variable(name.to_owned())
    }

    fn source() -> TokenSource {
        TokenSource::of(|name| match name {
            "A" => Some("from the environment".into()),
            "EMPTY" => Some(OsString::new()),
            _ => None,
        })
    }

    #[test]
    fn records_stand_in_front_of_the_environment() {
        let records = &b"B=b=1\0C=\0A=from records\0"[..];
        let with_records = source().with_records(records).expect("well-formed");
        assert_eq!(
            text(&with_records, &variable("A")).as_deref(),
            Some("from records")
        );
        assert_eq!(text(&with_records, &variable("B")).as_deref(), Some("b=1"));
        for unset in ["C", "EMPTY", "D"] {
            assert!(text(&with_records, &variable(unset)).is_none(), "{unset}");
        }
        let none = source().with_records(&b""[..]).expect("no records at all");
        assert_eq!(
            text(&none, &variable("A")).as_deref(),
            Some("from the environment")
        );
    }

    #[test]
    fn every_bad_record_is_told_by_its_number_and_not_shown() {
        let records = &b"s3cret\0A=1\0=s3cret\0A=2\0\0B C=s3cret\0D=s3cr"[..];
        let problems = source().with_records(records).err().expect("problems");
        let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            lines,
            [
                "--tokens-stdin: record 1 has no `=`: write NAME=VALUE",
                "--tokens-stdin: record 3 has no name of visible ASCII before its `=`",
                "--tokens-stdin: record 4 has the name of an earlier record: keep one",
                "--tokens-stdin: record 5 has no `=`: write NAME=VALUE",
                "--tokens-stdin: record 6 has no name of visible ASCII before its `=`",
                "--tokens-stdin: record 7 does not end with NUL: was it cut off?",
            ]
        );
    }

    #[test]
    fn records_are_read_up_to_their_limit() {
        let filler = |length: usize| [b"A=".to_vec(), vec![b'x'; length - 3], vec![0]].concat();
        let at_bound = filler(limits::TOKENS_STDIN_OCTETS);
        assert!(source().with_records(&at_bound[..]).is_ok());
        let past_bound = filler(limits::TOKENS_STDIN_OCTETS + 1);
        let problems = source()
            .with_records(&past_bound[..])
            .err()
            .expect("too long");
        assert_eq!(
            problems[0].to_string(),
            "--tokens-stdin: is longer than 1048576 octets"
        );
    }

    #[test]
    fn a_token_file_loses_one_newline() {
        let path = std::env::temp_dir().join(format!("token-{}", std::process::id()));
        let place = TokenPlace::File(path.clone());
        for (content, token) in [
            (&b"t"[..], Some("t")),
            (b"t\n", Some("t")),
            (b"t\r\n", Some("t")),
            (b"t\r", Some("t\r")),
            (b"t\n\n", Some("t\n")),
            (b"", None),
            (b"\n", None),
        ] {
            std::fs::write(&path, content).expect("written");
            assert_eq!(text(&source(), &place).as_deref(), token, "{content:?}");
        }
        std::fs::write(&path, vec![b'x'; limits::TOKEN_OCTETS]).expect("written");
        assert!(source().token(&place).is_ok());
        std::fs::write(&path, vec![b'x'; limits::TOKEN_OCTETS + 1]).expect("written");
        let past_bound = source().token(&place).err();
        assert!(matches!(
            past_bound,
            Some(TokenMissing::Unreadable(ReadError::TooLong { .. }))
        ));
        std::fs::remove_file(&path).expect("removed");
        let gone = source().token(&place).err();
        assert!(matches!(
            gone,
            Some(TokenMissing::Unreadable(ReadError::Io(_)))
        ));
    }
}

//! The first pkt-line of a connection: what the client asks for, and what it is told if it
//! can't have it. <https://git-scm.com/docs/gitprotocol-pack#_git_transport>

use core::fmt;

use super::limits::SHOWN_CHARACTERS;
use super::pkt_line::{self, Header};
use crate::visible::visible;

/// Octets of a pkt-line's length, in hexadecimal digits.
pub(super) const LENGTH_OCTETS: usize = pkt_line::HEADER_OCTETS;

/// What git calls a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// `git-upload-pack`: a fetch.
    UploadPack,
    /// `git-receive-pack`: a push.
    ReceivePack,
}

impl Service {
    fn program(self) -> &'static str {
        match self {
            Service::UploadPack => "git-upload-pack",
            Service::ReceivePack => "git-receive-pack",
        }
    }
}

/// As people call it.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Service::UploadPack => "fetch",
            Service::ReceivePack => "push",
        })
    }
}

/// A request that can be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) service: Service,
    /// The repository's name at the gate.
    pub(super) repository: String,
    /// The version of the protocol that the client would like.
    version: Option<u8>,
}

/// Why a request can't be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is no request of git's.
    NoRequest,
    /// The service is not offered.
    Service(String),
    /// There is no such repository; these are there.
    Repository(String, Vec<String>),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::NoRequest => f.write_str("this is a git daemon's port, and that was no request of git's"),
            Refused::Service(service) if service == "git-upload-archive" => f.write_str(
                "git archive is not served here: fetch the repository, then run git archive on your copy",
            ),
            Refused::Service(service) => {
                write!(f, "{} is not served here: fetch and push are", shown(service))
            }
            Refused::Repository(path, names) => {
                write!(f, "there is no repository {} here; ", shown(path))?;
                match names.as_slice() {
                    [] => f.write_str("the list git_gate.repos is empty"),
                    names => {
                        let paths: Vec<String> = names.iter().map(|name| format!("/{name}.git")).collect();
                        write!(f, "git_gate.repos has {}", paths.join(", "))
                    }
                }
            }
        }
    }
}

/// A client's word, harmless and not too long.
fn shown(word: &str) -> String {
    visible(&word.chars().take(SHOWN_CHARACTERS).collect::<String>())
}

/// The octets that follow a pkt-line's length; none for what is no length, or one of the
/// special packets that carry nothing.
pub(super) fn payload_octets(length: [u8; LENGTH_OCTETS]) -> Option<usize> {
    match Header::of(length)? {
        Header::Data(octets) => Some(octets),
        Header::Flush | Header::Delimiter | Header::ResponseEnd => None,
    }
}

impl Request {
    /// Reads a pkt-line's payload: `git-upload-pack /app.git\0host=git-gate\0\0version=2\0`.
    pub(super) fn parse(payload: &[u8], repositories: &[String]) -> Result<Request, Refused> {
        let mut parts = payload.split(|&octet| octet == 0);
        let line = parts.next().and_then(|line| str::from_utf8(line).ok());
        let (service, path) = line
            .and_then(|line| line.strip_suffix('\n').unwrap_or(line).split_once(' '))
            .ok_or(Refused::NoRequest)?;
        let service = match service {
            "git-upload-pack" => Service::UploadPack,
            "git-receive-pack" => Service::ReceivePack,
            other if other.starts_with("git-") => return Err(Refused::Service(other.to_owned())),
            _ => return Err(Refused::NoRequest),
        };
        let bare = path.strip_suffix('/').unwrap_or(path);
        let repository = repositories
            .iter()
            .find(|name| {
                bare.strip_prefix('/')
                    .and_then(|bare| bare.strip_suffix(".git"))
                    == Some(name)
            })
            .ok_or_else(|| Refused::Repository(path.to_owned(), repositories.to_vec()))?;
        let version = parts.find_map(|part| match part {
            b"version=1" => Some(1),
            b"version=2" => Some(2),
            _ => None,
        });
        Ok(Request {
            service,
            repository: repository.clone(),
            version,
        })
    }

    /// The pkt-line that git daemon reads. It is written anew and names no host: git daemon
    /// would look the client's word up in the DNS.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut payload = format!("{} /{}.git\0", self.service.program(), self.repository);
        if let Some(version) = self.version {
            payload.push_str(&format!("\0version={version}\0"));
        }
        line_of(payload.as_bytes())
    }
}

/// The pkt-line by which git shows `fatal: remote error: …`.
pub(super) fn error_line(sentence: &str) -> Vec<u8> {
    line_of(format!("ERR {sentence}").as_bytes())
}

fn line_of(payload: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(LENGTH_OCTETS + payload.len());
    // All of ours have at most a name for each of a manifest's repositories, far less than a
    // pkt-line holds; a vector takes all.
    let _ = pkt_line::write(&mut line, payload);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(payload: &[u8]) -> Result<Request, String> {
        let names = ["app".to_owned(), "lib".to_owned()];
        Request::parse(payload, &names).map_err(|refused| refused.to_string())
    }

    #[test]
    fn a_request_is_read_and_written_anew_without_the_host() {
        let rows: [(&[u8], &str, Service, &[u8]); 6] = [
            (
                b"git-upload-pack /app.git\0host=git-gate\0\0version=2\0",
                "app",
                Service::UploadPack,
                b"0028git-upload-pack /app.git\0\0version=2\0",
            ),
            (
                b"git-upload-pack /lib.git\0host=git-gate\0\0version=1\0",
                "lib",
                Service::UploadPack,
                b"0028git-upload-pack /lib.git\0\0version=1\0",
            ),
            (
                b"git-receive-pack /app.git\0host=git-gate:99\0",
                "app",
                Service::ReceivePack,
                b"001egit-receive-pack /app.git\0",
            ),
            (
                b"git-receive-pack /app.git/\0",
                "app",
                Service::ReceivePack,
                b"001egit-receive-pack /app.git\0",
            ),
            (
                b"git-upload-pack /app.git\n",
                "app",
                Service::UploadPack,
                b"001dgit-upload-pack /app.git\0",
            ),
            (
                b"git-upload-pack /app.git\0host=a\0\0version=3\0object-format=sha1\0",
                "app",
                Service::UploadPack,
                b"001dgit-upload-pack /app.git\0",
            ),
        ];
        for (payload, repository, service, encoded) in rows {
            let request = parse(payload).expect("a request");
            assert_eq!(
                (request.repository.as_str(), request.service),
                (repository, service)
            );
            assert_eq!(
                request.encode(),
                encoded,
                "{}",
                String::from_utf8_lossy(payload)
            );
        }
    }

    #[test]
    fn what_is_not_there_is_refused_with_what_is() {
        for path in [
            "/",
            "",
            "/app",
            "app.git",
            "/app.git//",
            "/../app.git",
            "/x/app.git",
            "/app.git/x",
            "/.git",
            "~app.git",
        ] {
            let told = parse(format!("git-upload-pack {path}\0").as_bytes()).expect_err(path);
            assert_eq!(
                told,
                format!(
                    "there is no repository {path} here; git_gate.repos has /app.git, /lib.git"
                )
            );
        }
        let told = parse(b"git-upload-pack /\x1b[1m.git\0").expect_err("no name");
        assert!(
            told.starts_with("there is no repository /\\u{1b}[1m.git here"),
            "{told}"
        );
        let long = format!("git-upload-pack /{}\0", "a".repeat(500));
        assert!(parse(long.as_bytes()).expect_err("too long").len() < 200);
        let refused = Request::parse(b"git-upload-pack /app.git", &[]).expect_err("none is there");
        assert_eq!(
            refused.to_string(),
            "there is no repository /app.git here; the list git_gate.repos is empty"
        );
    }

    #[test]
    fn other_services_and_other_protocols_are_refused() {
        let told = parse(b"git-upload-archive /app.git\0").expect_err("not served");
        assert!(told.starts_with("git archive is not served here"), "{told}");
        let told = parse(b"git-shell /app.git\0").expect_err("not served");
        assert_eq!(told, "git-shell is not served here: fetch and push are");
        for payload in [
            b"".as_slice(),
            b"GET / HTTP/1.1\r\n",
            b"git-upload-pack\0",
            b"git-upload-pack /\xff.git\0",
        ] {
            let told = parse(payload).expect_err("no request");
            assert!(told.ends_with("that was no request of git's"), "{told}");
        }
    }

    #[test]
    fn a_length_is_four_hexadecimal_digits() {
        assert_eq!(payload_octets(*b"002d"), Some(41));
        assert_eq!(payload_octets(*b"FFf0"), Some(65516));
        assert_eq!(payload_octets(*b"0004"), Some(0));
        for none in [b"0000", b"0001", b"0003", b"+02d", b" 02d", b"GET "] {
            assert_eq!(payload_octets(*none), None);
        }
    }

    #[test]
    fn an_error_line_says_its_own_length() {
        assert_eq!(error_line("no"), b"000aERR no");
    }
}

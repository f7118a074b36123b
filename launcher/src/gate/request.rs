//! The first line of a conversation in git's protocol, by which a client says what it wants
//! (`git help protocol-pack`, "Git Transport").

use super::limits::REQUEST_OCTETS;

/// A service of git's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    /// A fetch.
    UploadPack,
    /// A push.
    ReceivePack,
}

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// What is to be done.
    pub(super) service: Service,
    /// The name of the repository.
    pub(super) name: String,
}

/// Octets of a line's length, which counts itself.
pub(super) const LENGTH_OCTETS: usize = 4;

/// How long the line is that begins with `length`, all in all; none: this is no such line, or a
/// special one.
pub(super) fn line_octets(length: [u8; LENGTH_OCTETS]) -> Option<usize> {
    let digits = std::str::from_utf8(&length).ok()?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let octets = usize::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
    (octets > LENGTH_OCTETS).then_some(octets)
}

/// As [`line_octets`], of a line that may be a first one.
pub(super) fn first_line_octets(length: [u8; LENGTH_OCTETS]) -> Option<usize> {
    line_octets(length).filter(|octets| *octets <= REQUEST_OCTETS)
}

/// A line of git's protocol.
pub(super) fn line(text: &[u8]) -> Vec<u8> {
    let mut line = format!("{:04x}", text.len() + LENGTH_OCTETS).into_bytes();
    line.extend_from_slice(text);
    line
}

impl Request {
    /// Reads what stands behind the length: `git-upload-pack /app.git`, NUL, and more that is git
    /// daemon's to read.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn read(text: &[u8]) -> Result<Request, &'static str> {
        let no_request = "this is no request of git's";
        let words = text.split(|octet| *octet == 0).next().unwrap_or_default();
        let words = std::str::from_utf8(words).map_err(|_octets| no_request)?;
        let (service, path) = words
            .trim_end_matches('\n')
            .split_once(' ')
            .ok_or(no_request)?;
        let service = match service {
            "git-upload-pack" => Service::UploadPack,
            "git-receive-pack" => Service::ReceivePack,
            _ => return Err("the git gate serves fetch and push alone"),
        };
        let name = path
            .trim_matches('/')
            .strip_suffix(".git")
            .unwrap_or_default();
        Ok(Request {
            service,
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_service_and_a_name() {
        let read = |text: &str| Request::read(text.as_bytes());
        let request = |service, name: &str| {
            Ok(Request {
                service,
                name: name.to_owned(),
            })
        };
        for (text, expected) in [
            (
                "git-upload-pack /app.git\0host=git-gate\0\0version=2\0",
                request(Service::UploadPack, "app"),
            ),
            (
                "git-receive-pack /app.git/\n",
                request(Service::ReceivePack, "app"),
            ),
            // Known to nobody, and so refused by name.
            ("git-upload-pack /app", request(Service::UploadPack, "")),
            (
                "git-upload-pack /a/../b.git",
                request(Service::UploadPack, "a/../b"),
            ),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        assert!(
            read("git-upload-archive /app.git").is_err_and(|why| why.contains("fetch and push"))
        );
        for text in ["", "git-upload-pack", "GET / HTTP/1.1"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(Request::read(b"git-upload-pack /\xff.git").is_err());
    }

    #[test]
    fn a_line_begins_with_its_length() {
        assert_eq!(line(b"ERR x"), b"0009ERR x");
        assert_eq!(line_octets(*b"0009"), Some(9));
        assert_eq!(line_octets(*b"fFf0"), Some(0xfff0));
        for special in [b"0000", b"0001", b"0002", b"0004", b"+0ff", b"GET "] {
            assert_eq!(line_octets(*special), None);
        }
        let bound = format!("{REQUEST_OCTETS:04x}");
        let past = format!("{:04x}", REQUEST_OCTETS + 1);
        let octets = |text: &str| first_line_octets(text.as_bytes().try_into().expect("four"));
        assert_eq!(octets(&bound), Some(REQUEST_OCTETS));
        assert_eq!(octets(&past), None);
    }
}

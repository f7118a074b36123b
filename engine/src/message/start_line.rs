//! What stands in a start line: version, method, status.

/// The versions that are spoken here.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

impl Version {
    /// The digits alone, as `Via` wants them (RFC 9110 §7.6.3).
    pub fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "1.0",
            Version::Http11 => "1.1",
        }
    }

    /// The version whose minor digit this is; the major one is always 1.
    pub(super) fn of_minor(minor: u8) -> Option<Version> {
        match minor {
            0 => Some(Version::Http10),
            1 => Some(Version::Http11),
            2.. => None,
        }
    }

    /// Whether these octets follow `HTTP-version` (RFC 9112 §2.3) and still name none
    /// that is spoken here: what is asked for is then clear, and answered with 505.
    pub(super) fn is_foreign(octets: &[u8]) -> bool {
        match octets {
            b"HTTP/1.0" | b"HTTP/1.1" => false,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] => {
                major.is_ascii_digit() && minor.is_ascii_digit()
            }
            _ => false,
        }
    }
}

/// Methods that some decision depends on. `Other` is every other token.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
    /// OPTIONS
    Options,
    /// CONNECT
    Connect,
    /// TRACE
    Trace,
    /// Any other token; its octets are in the head.
    Other,
}

impl Method {
    /// Methods are case-sensitive (RFC 9110 §9.1): `get` is `Other`.
    pub fn of(octets: &[u8]) -> Method {
        match octets {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"PATCH" => Method::Patch,
            b"DELETE" => Method::Delete,
            b"OPTIONS" => Method::Options,
            b"CONNECT" => Method::Connect,
            b"TRACE" => Method::Trace,
            _ => Method::Other,
        }
    }

    /// RFC 9110 §9.2.2. Of `Other` nothing is known, so it is not.
    pub fn is_idempotent(self) -> bool {
        match self {
            Method::Get
            | Method::Head
            | Method::Put
            | Method::Delete
            | Method::Options
            | Method::Trace => true,
            Method::Post | Method::Patch | Method::Connect | Method::Other => false,
        }
    }
}

/// A status code, 100..=599 (RFC 9110 §15).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Status(u16);

impl Status {
    /// 100 (Continue)
    pub const CONTINUE: Status = Status(100);
    /// 101 (Switching Protocols)
    pub const SWITCHING_PROTOCOLS: Status = Status(101);
    /// 204 (No Content)
    pub const NO_CONTENT: Status = Status(204);
    /// 304 (Not Modified)
    pub const NOT_MODIFIED: Status = Status(304);

    /// None outside 100..=599: a code of an unknown class has no known framing.
    pub fn of(code: u16) -> Option<Status> {
        (100..=599).contains(&code).then_some(Status(code))
    }

    /// The three digits as a number.
    pub fn as_u16(self) -> u16 {
        self.0
    }

    /// The first digit, 1..=5.
    pub fn class(self) -> u8 {
        (self.0 / 100) as u8
    }

    /// 1xx: another response follows. So it is with 101 too, but in another protocol.
    pub fn is_interim(self) -> bool {
        self.class() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_are_not_spoken_are_told_from_what_is_no_version() {
        for foreign in ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/9.9"] {
            assert!(Version::is_foreign(foreign.as_bytes()), "{foreign}");
        }
        for other in [
            "HTTP/1.0",
            "HTTP/1.1",
            "http/1.2",
            "HTTP/2",
            "HTTP/1.10",
            "HTTP/a.b",
            "",
        ] {
            assert!(!Version::is_foreign(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn methods_are_case_sensitive() {
        assert_eq!(Method::of(b"GET"), Method::Get);
        assert_eq!(Method::of(b"get"), Method::Other);
        assert_eq!(Method::of(b"GETS"), Method::Other);
        assert_eq!(Method::of(b""), Method::Other);
    }

    #[test]
    fn idempotent_methods_are_those_of_rfc_9110() {
        let is = |name: &str| Method::of(name.as_bytes()).is_idempotent();
        assert!(
            ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"]
                .into_iter()
                .all(is)
        );
        assert!(!["POST", "PATCH", "CONNECT", "PROPFIND"].into_iter().any(is));
    }

    #[test]
    fn a_status_has_one_of_five_classes() {
        for code in 0..=1_000 {
            let class = Status::of(code).map(|status| u16::from(status.class()));
            assert_eq!(class, (100..600).contains(&code).then_some(code / 100));
        }
        assert!(Status::CONTINUE.is_interim() && Status::SWITCHING_PROTOCOLS.is_interim());
        assert!(!Status::NO_CONTENT.is_interim() && Status::NOT_MODIFIED.as_u16() == 304);
    }
}

//! A head read in one go, by the grammar of RFC 9112 alone. None: there is no whole,
//! well-formed head at the start of the input, for whichever reason.

use engine::message::{Authority, HeadLimits};

/// RFC 9110 §7.6.1, and the framing, which is generated.
pub(crate) const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The fields by which a client could bring a credential of its own: the contract's list,
/// and `deploy-token`.
pub(crate) const CREDENTIALS: [&str; 10] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-auth-token",
    "private-token",
    "job-token",
    "deploy-token",
    "proxy-authorization",
    "cookie",
];

/// What a client may not say, in any spelling that becomes the same variable of a CGI: those,
/// and the framing.
pub(crate) fn is_ours(name: &str) -> bool {
    CREDENTIALS.contains(&name) || ["host", "content-length", "transfer-encoding"].contains(&name)
}

/// A field line: its name, and its value without the white space around it.
pub(crate) type Field<'a> = (&'a [u8], &'a [u8]);

/// What both kinds of head have.
#[derive(Debug)]
struct Head<'a> {
    start_line: &'a [u8],
    fields: Vec<Field<'a>>,
    octets: usize,
}

/// A request's head.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    /// `1.0` or `1.1`.
    pub(crate) version: &'a [u8],
    pub(crate) host: Option<&'a [u8]>,
    pub(crate) fields: Vec<Field<'a>>,
    /// Of the whole head.
    pub(crate) octets: usize,
}

/// A response's head.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    /// `1.0` or `1.1`.
    pub(crate) version: &'a [u8],
    pub(crate) status: u16,
    pub(crate) reason: &'a [u8],
    pub(crate) fields: Vec<Field<'a>>,
    /// Of the whole head.
    pub(crate) octets: usize,
}

/// How a body is announced.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Announced {
    Nothing,
    Length(u64),
    Chunked,
}

/// request-line = method SP request-target SP HTTP-version
pub(crate) fn request<'a>(input: &'a [u8], limits: &HeadLimits) -> Option<Request<'a>> {
    let head = head(input, limits)?;
    let words: Vec<&[u8]> = head.start_line.split(|octet| *octet == b' ').collect();
    let [method, target, version] = words[..] else {
        return None;
    };
    let version = version_digits(version)?;
    let in_target = |octet: &u8| octet.is_ascii_graphic() && !b"\\#".contains(octet);
    if !is_token(method) || target.is_empty() || !target.iter().all(in_target) {
        return None;
    }
    let host = match values(&head.fields, "host")[..] {
        [] if version == b"1.0" => None,
        [host] if Authority::of(host).is_some() => Some(host),
        _ => return None,
    };
    Some(Request {
        method,
        target,
        version,
        host,
        fields: head.fields,
        octets: head.octets,
    })
}

/// status-line = HTTP-version SP 3DIGIT [ SP reason-phrase ]
pub(crate) fn response<'a>(input: &'a [u8], limits: &HeadLimits) -> Option<Response<'a>> {
    let head = head(input, limits)?;
    let (version, rest) = head.start_line.split_at_checked("HTTP/1.1".len())?;
    let (status, rest) = rest.strip_prefix(b" ")?.split_at_checked(3)?;
    let reason = match rest {
        [] => rest,
        _ => rest.strip_prefix(b" ")?,
    };
    if !status.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let status = str::from_utf8(status).ok()?.parse().ok()?;
    (100..=599).contains(&status).then_some(Response {
        version: version_digits(version)?,
        status,
        reason,
        fields: head.fields,
        octets: head.octets,
    })
}

/// RFC 9112 §6.3, 3. to 6., and §6.1. `repeats`: several `Content-Length` lines with the
/// same value are one. None: the fields contradict themselves or ask for what is not done.
pub(crate) fn announced(fields: &[Field<'_>], version: &[u8], repeats: bool) -> Option<Announced> {
    let mut lengths = values(fields, "content-length");
    if repeats {
        lengths.dedup();
    }
    match (&values(fields, "transfer-encoding")[..], &lengths[..]) {
        ([], []) => Some(Announced::Nothing),
        ([], [length]) => canonical_number(length).map(Announced::Length),
        ([coding], []) if version == b"1.1" && coding.eq_ignore_ascii_case(b"chunked") => {
            Some(Announced::Chunked)
        }
        (_, _) => None,
    }
}

/// The values of all lines with this name.
pub(crate) fn values<'a>(fields: &[Field<'a>], wanted: &str) -> Vec<&'a [u8]> {
    let is_wanted = |(name, _): &&Field<'_>| name.eq_ignore_ascii_case(wanted.as_bytes());
    let found = fields.iter().filter(is_wanted);
    found.map(|(_, value)| *value).collect()
}

/// The members of a list over all its lines (RFC 9110 §5.6.1): a comma in quotes is none,
/// and quotes that stay open reach to the end of their line.
pub(crate) fn list<'a>(values: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let mut members = Vec::new();
    for value in values {
        let (mut start, mut at, mut quoted) = (0, 0, false);
        while at < value.len() {
            match value[at] {
                b'\\' if quoted => at += 1,
                b'"' => quoted = !quoted,
                b',' if !quoted => {
                    members.push(&value[start..at]);
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        members.push(&value[start..]);
    }
    let members = members.into_iter().map(<[u8]>::trim_ascii);
    members.filter(|member| !member.is_empty()).collect()
}

/// CTL of RFC 5234, HTAB left out.
pub(crate) fn is_control(octet: &u8) -> bool {
    octet.is_ascii_control() && *octet != b'\t'
}

/// token = 1*tchar, RFC 9110 §5.6.2
pub(crate) fn is_token(octets: &[u8]) -> bool {
    let is_tchar = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(octet);
    !octets.is_empty() && octets.iter().all(is_tchar)
}

fn head<'a>(input: &'a [u8], limits: &HeadLimits) -> Option<Head<'a>> {
    let message = match input.strip_prefix(b"\r\n") {
        Some(message) if limits.leading_empty_line => message,
        Some(_) | None => input,
    };
    let last_line_end = message.windows(4).position(|four| four == b"\r\n\r\n")?;
    let section = &message[..last_line_end + 2];
    let octets = (input.len() - message.len()) + section.len() + 2;

    let lines = section.split_inclusive(|octet| *octet == b'\n');
    let lines: Option<Vec<&[u8]>> = lines.map(|line| line.strip_suffix(b"\r\n")).collect();
    let lines = lines?;
    if lines.iter().any(|line| line.iter().any(is_control)) {
        return None;
    }
    let (start_line, fields) = lines.split_first()?;
    let fields: Option<Vec<Field<'_>>> = fields.iter().map(|line| field(line)).collect();
    let fields = fields?;
    let within = start_line.len() <= limits.first_line_octets
        && octets <= limits.head_octets
        && fields.len() <= limits.field_lines;
    within.then_some(Head {
        start_line,
        fields,
        octets,
    })
}

/// field-line = field-name ":" OWS field-value OWS
fn field(line: &[u8]) -> Option<Field<'_>> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    is_token(name).then_some((name, value.trim_ascii()))
}

fn version_digits(version: &[u8]) -> Option<&[u8]> {
    let digits = version.strip_prefix(b"HTTP/")?;
    matches!(digits, b"1.0" | b"1.1").then_some(digits)
}

/// A number that is written as this program writes it.
fn canonical_number(digits: &[u8]) -> Option<u64> {
    let number: u64 = str::from_utf8(digits).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == digits).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::HEAD_LIMITS;

    /// A naive reader that took nothing would agree with an engine that takes nothing.
    #[test]
    fn the_naive_reader_reads() {
        let read = request(
            include_bytes!("../seeds/request_head/cl-largest"),
            &HEAD_LIMITS,
        );
        let read = read.expect("a request");
        let (method, target, host) = (read.method, read.target, read.host);
        assert_eq!(
            (method, target, host),
            (&b"POST"[..], &b"/a"[..], Some(&b"a"[..]))
        );
        let body = announced(&read.fields, read.version, false);
        assert_eq!(body, Some(Announced::Length(u64::MAX)));

        let read = response(
            include_bytes!("../seeds/response_head/no-content"),
            &HEAD_LIMITS,
        );
        let read = read.expect("a response");
        assert_eq!((read.status, read.reason, read.octets), (204, &b""[..], 36));

        let smuggled = request(include_bytes!("../seeds/request_head/cl-te"), &HEAD_LIMITS);
        let smuggled = smuggled.expect("a request");
        assert_eq!(announced(&smuggled.fields, smuggled.version, false), None);
        let folded = request(
            include_bytes!("../seeds/request_head/obs-fold"),
            &HEAD_LIMITS,
        );
        assert!(folded.is_none());
    }
}

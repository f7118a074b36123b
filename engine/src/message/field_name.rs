//! Field names that mean something here, each line's recognised once, when its head is
//! parsed: whoever asks for a field later compares numbers, not letters.

/// A field name with a meaning to this proxy, whatever its letter case.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs)] // Each says itself, in the words of its RFC.
pub enum FieldName {
    /// Every name that means nothing here.
    Other,
    Accept,
    AcceptEncoding,
    AltSvc,
    ApiKey,
    Authorization,
    Connection,
    ContentLength,
    ContentLocation,
    ContentType,
    Cookie,
    Date,
    DeployToken,
    Expect,
    Host,
    JobToken,
    KeepAlive,
    Link,
    Location,
    MaxForwards,
    PrivateToken,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyConnection,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    Via,
    XApiKey,
    XAuthToken,
    XGoogApiKey,
    XHttpMethod,
    XHttpMethodOverride,
    XMethodOverride,
    XOriginalUri,
    XOriginalUrl,
    XRewriteUrl,
    XStainlessLang,
}

use FieldName::*;

impl FieldName {
    /// The name that these octets spell.
    pub fn of(octets: &[u8]) -> FieldName {
        match FieldName::recognize(octets) {
            (name, true) => name,
            (_, false) => Other,
        }
    }

    /// The name for which these octets may be taken where fields become environment
    /// variables, see [`is_read_as`]; and whether it is what they spell.
    pub fn recognize(octets: &[u8]) -> (FieldName, bool) {
        for name in of_length(octets.len()) {
            let ours = name.as_str();
            if is_in_any_case(octets, ours) {
                return (*name, true);
            }
            if is_read_as(octets, ours) {
                return (*name, false);
            }
        }
        (Other, false)
    }

    /// Each but [`FieldName::Other`].
    #[cfg(test)]
    pub(crate) fn every() -> impl Iterator<Item = FieldName> {
        (0..64).flat_map(of_length).copied()
    }

    /// In lower case; empty for [`FieldName::Other`].
    pub fn as_str(self) -> &'static str {
        match self {
            Other => "",
            Accept => "accept",
            AcceptEncoding => "accept-encoding",
            AltSvc => "alt-svc",
            ApiKey => "api-key",
            Authorization => "authorization",
            Connection => "connection",
            ContentLength => "content-length",
            ContentLocation => "content-location",
            ContentType => "content-type",
            Cookie => "cookie",
            Date => "date",
            DeployToken => "deploy-token",
            Expect => "expect",
            Host => "host",
            JobToken => "job-token",
            KeepAlive => "keep-alive",
            Link => "link",
            Location => "location",
            MaxForwards => "max-forwards",
            PrivateToken => "private-token",
            ProxyAuthenticate => "proxy-authenticate",
            ProxyAuthorization => "proxy-authorization",
            ProxyConnection => "proxy-connection",
            Te => "te",
            Trailer => "trailer",
            TransferEncoding => "transfer-encoding",
            Upgrade => "upgrade",
            Via => "via",
            XApiKey => "x-api-key",
            XAuthToken => "x-auth-token",
            XGoogApiKey => "x-goog-api-key",
            XHttpMethod => "x-http-method",
            XHttpMethodOverride => "x-http-method-override",
            XMethodOverride => "x-method-override",
            XOriginalUri => "x-original-uri",
            XOriginalUrl => "x-original-url",
            XRewriteUrl => "x-rewrite-url",
            XStainlessLang => "x-stainless-lang",
        }
    }
}

/// The names of this length. Nearly every other name is told apart by its length or its
/// first letter.
fn of_length(length: usize) -> &'static [FieldName] {
    match length {
        2 => &[Te],
        3 => &[Via],
        4 => &[Host, Date, Link],
        6 => &[Accept, Expect, Cookie],
        7 => &[Upgrade, Trailer, AltSvc, ApiKey],
        8 => &[Location],
        9 => &[XApiKey, JobToken],
        10 => &[Connection, KeepAlive],
        12 => &[ContentType, MaxForwards, XAuthToken, DeployToken],
        13 => &[Authorization, PrivateToken, XHttpMethod, XRewriteUrl],
        14 => &[ContentLength, XGoogApiKey, XOriginalUrl, XOriginalUri],
        15 => &[AcceptEncoding],
        16 => &[ContentLocation, ProxyConnection, XStainlessLang],
        17 => &[TransferEncoding, XMethodOverride],
        18 => &[ProxyAuthenticate],
        19 => &[ProxyAuthorization],
        22 => &[XHttpMethodOverride],
        _ => &[],
    }
}

/// Whether `octets` is `ours`, one of our names, in any case. Setting the bit by which
/// letters differ makes another octet one of a name only of control characters, which no
/// field line holds.
fn is_in_any_case(octets: &[u8], ours: &str) -> bool {
    let mut pairs = octets.iter().zip(ours.bytes());
    octets.len() == ours.len() && pairs.all(|(octet, ours)| octet | 0x20 == ours)
}

/// Whether a field called `name` is one called `ours` (lower case) where fields become
/// environment variables: case is lost there, and whatever is neither letter nor digit
/// may become the same `_`.
pub fn is_read_as(name: &[u8], ours: &str) -> bool {
    let mut pairs = name.iter().zip(ours.bytes());
    name.len() == ours.len() && pairs.all(|(octet, ours)| read(*octet) == read(ours))
}

fn read(octet: u8) -> u8 {
    match octet.is_ascii_alphanumeric() {
        true => octet.to_ascii_lowercase(),
        false => b'-',
    }
}

/// A set of names.
#[derive(Copy, Clone, Default)]
pub(super) struct FieldNames(u64);

impl FieldNames {
    pub(super) fn insert(&mut self, name: FieldName) {
        self.0 |= bit(name);
    }

    pub(super) fn contains(self, name: FieldName) -> bool {
        self.0 & bit(name) != 0
    }
}

fn bit(name: FieldName) -> u64 {
    1_u64.wrapping_shl(name as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_by_its_length_and_none_by_another() {
        let count = FieldName::every().count();
        assert_eq!(count, XStainlessLang as usize, "each but `Other`, once");
        assert!(count < 64, "one bit each");
        for name in FieldName::every() {
            assert_eq!(FieldName::of(name.as_str().as_bytes()), name);
            let upper = name.as_str().to_ascii_uppercase();
            assert_eq!(FieldName::of(upper.as_bytes()), name);
        }
    }

    #[test]
    fn a_name_in_disguise_is_read_as_what_it_imitates_and_is_another() {
        for name in FieldName::every() {
            let disguised = name.as_str().replace('-', "_");
            assert_eq!(FieldName::recognize(disguised.as_bytes()).0, name);
            let same = disguised == name.as_str();
            assert_eq!(FieldName::of(disguised.as_bytes()) == name, same);
        }
        assert_eq!(
            FieldName::recognize(b"content.LENGTH"),
            (ContentLength, false)
        );
        for other in ["", "x", "host-", "hosts", "c0okie", "content-lengthy"] {
            assert_eq!(FieldName::of(other.as_bytes()), Other, "{other}");
        }
    }

    #[test]
    fn a_name_with_any_sign_is_read_as_one_with_another() {
        for (name, ours) in [
            ("x_token", "x_token"),
            ("X-Token", "x_token"),
            ("x.token", "x-token"),
        ] {
            assert!(is_read_as(name.as_bytes(), ours), "{name} as {ours}");
        }
        assert!(!is_read_as(b"x_tokem", "x_token"));
        assert!(!is_read_as(b"x_token_", "x_token"));
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut set = FieldNames::default();
        set.insert(Host);
        set.insert(XStainlessLang);
        for name in FieldName::every() {
            let inside = name == Host || name == XStainlessLang;
            assert_eq!(set.contains(name), inside, "{name:?}");
        }
    }
}

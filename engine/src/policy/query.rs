//! The names and values that any service could read out of a query.

use super::percent::decode_until_stable;

/// The decoded copy of a query, on which refusals decide.
///
/// It is decoded until stable before it is split, at `&` and at `;`, and `+` is a space:
/// a service that does less of this finds fewer parameters, never others. Spaces and
/// brackets around a name or a value are no part of it here, for Rack drops them.
pub(super) struct Query(Vec<u8>);

impl Query {
    pub(super) fn of(raw_query: &[u8]) -> Query {
        let mut copy = Vec::new();
        decode_until_stable(raw_query, |octet| octet, &mut copy);
        Query(copy)
    }

    /// Whether a parameter has this name, whatever its value.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.parameters()
            .any(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Whether a parameter with this name has this value, in any position and case.
    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.parameters().any(|(found, its)| {
            found.eq_ignore_ascii_case(name.as_bytes())
                && its.eq_ignore_ascii_case(value.as_bytes())
        })
    }

    fn parameters(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0
            .split(|octet| matches!(octet, b'&' | b';'))
            .map(|parameter| {
                let mut parts = parameter.splitn(2, |octet| *octet == b'=');
                let mut part = || trim(parts.next().unwrap_or_default());
                (part(), part())
            })
    }
}

fn trim(mut text: &[u8]) -> &[u8] {
    let ignored = |octet: u8| octet <= b' ' || matches!(octet, b'+' | b'[' | b']');
    while let [first, rest @ ..] = text
        && ignored(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && ignored(*last)
    {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_every_disguise() {
        for query in [
            "private_token",
            "private_token=",
            "private_token=x",
            "a=b&private_token=x",
            "a;private_token",
            "&&private_token&",
            "PRIVATE_TOKEN=x",
            "private%5Ftoken=x",
            "private%255ftoken=x",
            "%70rivate_token",
            "+private_token=x",
            "%20private_token+=x",
            "private_token[]=x",
            "[private_token]=x",
            "private_token%5B%5D=x",
            "a%26private_token=x",
            "private_token%3Dx",
            "a=b%3Bprivate_token=x",
            "private_token%00=x",
        ] {
            assert!(
                Query::of(query.as_bytes()).has_name("private_token"),
                "{query}"
            );
        }
    }

    #[test]
    fn another_name_is_another_name() {
        for query in [
            "",
            "a=private_token",
            "private_tokens=x",
            "my_private_token",
            "private-token",
            "a=%zz",
        ] {
            assert!(
                !Query::of(query.as_bytes()).has_name("private_token"),
                "{query}"
            );
        }
    }
}

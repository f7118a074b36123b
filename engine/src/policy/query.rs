//! The names and values that any service could read out of a query.

use super::decoded_path::DecodedPath;
use super::percent::decode_until_stable;
use memchr::memmem;
use std::borrow::Cow;

/// The decoded copy of a query, on which refusals decide.
///
/// It is decoded until stable before it is split, at `&` and at `;`, also at an encoded
/// `?` or `#`, and `+` is a space: a service that does less of this finds fewer
/// parameters, never others. Spaces and brackets around a name or a value are no part of
/// it here, for Rack drops them, nor is what stands behind a NUL, where PHP stops reading.
pub(super) struct Query<'q>(Cow<'q, [u8]>);

impl<'q> Query<'q> {
    /// Of a request-target with this query and this path, whose own part behind an
    /// encoded `?` counts as well.
    pub(super) fn of(raw_query: Option<&'q [u8]>, path: &DecodedPath<'_>) -> Query<'q> {
        let raw_query = raw_query.unwrap_or_default();
        let in_path = path.query();
        if in_path.is_none() && !raw_query.contains(&b'%') {
            return Query(Cow::Borrowed(raw_query));
        }
        let mut copy = in_path.unwrap_or_default().to_vec();
        copy.push(b'&');
        decode_until_stable(raw_query, |octet| octet, &mut copy);
        Query(Cow::Owned(copy))
    }

    /// Whether there is nothing to be read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first of `names` that a parameter has, whatever its value.
    pub(super) fn name_among<'n>(&self, names: &'n [String]) -> Option<&'n str> {
        self.parameters().find_map(|(found, _)| {
            let mut names = names.iter().map(String::as_str);
            names.find(|name| is_name(found, name))
        })
    }

    /// The values of all parameters with this name.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.parameters()
            .filter(move |(found, _)| is_name(found, name))
            .map(|(_, value)| value)
    }

    /// Whether `name` stands in it as a word, and `value` as one behind it, in any case.
    ///
    /// Nothing is split here, for services disagree about what ends a name: to one that
    /// splits at fewer marks, or before it decodes, `name[?]x%3D` is one and belongs to an
    /// array called `name`.
    pub(super) fn mentions(&self, name: &str, value: &str) -> bool {
        let query = self.0.to_ascii_lowercase();
        let behind = find_word(&query, name).map(|end| &query[end..]);
        behind.is_some_and(|rest| find_word(rest, value).is_some())
    }

    fn parameters(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0
            .split(|octet| MARKS.contains(octet))
            .map(|parameter| {
                let mut parts = parameter.splitn(2, |octet| *octet == b'=');
                let mut part = || content(parts.next().unwrap_or_default());
                (part(), part())
            })
    }
}

/// Where the first `word` (lower case) ends that no longer word holds.
fn find_word(text: &[u8], word: &str) -> Option<usize> {
    let in_word = |octet: &u8| octet.is_ascii_alphanumeric() || b"-_".contains(octet);
    let mut places = memmem::find_iter(text, word.as_bytes());
    places.find_map(|start| {
        let end = start + word.len();
        let before = text[..start].last().is_some_and(in_word);
        let after = text[end..].first().is_some_and(in_word);
        (!before && !after).then_some(end)
    })
}

/// What of a name or a value counts.
fn content(part: &[u8]) -> &[u8] {
    trim(until(trim(part), 0))
}

/// What ends a parameter for some service.
const MARKS: &[u8] = b"&;?#";

/// Equal for some service: in any case; PHP reads `.`, space and `[` in a name as `_`,
/// and to it and Rack `name[x]` is a part of `name`.
fn is_name(found: &[u8], name: &str) -> bool {
    let name = trim(name.as_bytes());
    let is = |found: &[u8]| {
        found.len() == name.len() && found.iter().zip(name).all(|(a, b)| fold(*a) == fold(*b))
    };
    is(found) || is(until(found, b'['))
}

fn fold(octet: u8) -> u8 {
    match octet {
        b'.' | b' ' | b'+' | b'[' => b'_',
        other => other.to_ascii_lowercase(),
    }
}

fn until(text: &[u8], end: u8) -> &[u8] {
    let end = text.iter().position(|octet| *octet == end);
    &text[..end.unwrap_or(text.len())]
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

    fn has_name(query: &str, name: &str) -> bool {
        let path = DecodedPath::of(b"/x").expect("no dot segment");
        let query = Query::of(Some(query.as_bytes()), &path);
        query.name_among(&["other".to_owned(), name.to_owned()]) == Some(name)
    }

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
            "private_token%00x=y",
            "private.token=x",
            "private%2Etoken=x",
            "private+token=x",
            "private%20token=x",
            "private[token=x",
            "private%5Btoken=x",
            "+private.token[]=x",
            "private_token[a]=x",
            "private_token[a][b]=x",
            "a=b?private_token=x",
            "a%23private_token",
        ] {
            assert!(has_name(query, "private_token"), "{query}");
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
            "privatetoken=x",
            "a[private_token]=x",
            "x%00private_token=y",
        ] {
            assert!(!has_name(query, "private_token"), "{query}");
        }
    }

    #[test]
    fn the_operator_s_name_is_folded_too() {
        for name in ["api.key", "api key", "api[key]", "API_KEY"] {
            for query in ["api_key=x", "api.key=x", "api+key", "api[key]=x"] {
                assert!(has_name(query, name), "{name} {query}");
            }
            assert!(!has_name("api-key=x", name), "{name}");
        }
    }

    #[test]
    fn what_some_read_as_a_query_out_of_the_path_counts() {
        for (path, raw_query, values) in [
            ("/x%3Fa=1%26a=2", Some("a=3"), vec!["1", "2", "3"]),
            ("/x%253Fa=1", None, vec!["1"]),
            ("/x%3Fa=%2525", Some("25&a=3"), vec!["%", "3"]),
            ("/x%3F", Some("a=3"), vec!["3"]),
            ("/x", None, vec![]),
        ] {
            let path = DecodedPath::of(path.as_bytes()).expect("no dot segment");
            let query = Query::of(raw_query.map(str::as_bytes), &path);
            let found: Vec<_> = query.values("a").map(String::from_utf8_lossy).collect();
            assert_eq!(found, values);
        }
    }
}

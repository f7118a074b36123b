//! The credential field of a route, rendered once, when the route is made.

use super::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The user that GitHub and GitLab take with a token over Basic.
pub const BASIC_USER_DEFAULT: &str = "x-access-token";

/// How a token becomes a field value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CredentialForm {
    /// A scheme word, a space and the token: `Bearer …`, `token …`.
    Scheme(String),
    /// `Basic` and the base64 of `user:token` (RFC 7617 §2).
    Basic {
        /// Without `:`.
        user: String,
    },
    /// The token alone, as in `x-api-key`.
    Bare,
}

/// The token is empty, or has an octet outside visible ASCII: in a field value it could
/// end the line, and no service issues such a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnusableToken;

/// One field, and its whole value or the name of the variable that is missing.
pub struct Credential {
    field_name: String,
    value: Value,
}

enum Value {
    Set(Secret),
    Unset { variable: String },
}

impl Credential {
    /// Renders `token`. `field_name` is kept in lower case.
    pub fn render(
        field_name: &str,
        form: &CredentialForm,
        token: &Secret,
    ) -> Result<Credential, UnusableToken> {
        let octets = token.octets();
        if octets.is_empty() || !octets.iter().all(u8::is_ascii_graphic) {
            return Err(UnusableToken);
        }
        let value = match form {
            CredentialForm::Scheme(word) => concatenate(&[word.as_bytes(), b" ", octets]),
            CredentialForm::Basic { user } => basic(user.as_bytes(), octets),
            CredentialForm::Bare => concatenate(&[octets]),
        };
        Ok(Credential {
            field_name: field_name.to_ascii_lowercase(),
            value: Value::Set(value),
        })
    }

    /// A route whose token is missing: it is there, and answers 500 naming `variable`.
    pub fn unset(field_name: &str, variable: &str) -> Credential {
        Credential {
            field_name: field_name.to_ascii_lowercase(),
            value: Value::Unset {
                variable: variable.to_owned(),
            },
        }
    }

    /// The field that carries the value, lower case.
    pub fn field_name(&self) -> &str {
        &self.field_name
    }

    /// Whether there is a value.
    pub fn is_set(&self) -> bool {
        self.value().is_ok()
    }

    /// The whole field value, or the name of the variable (or file) that lacks one.
    pub(super) fn value(&self) -> Result<&Secret, &str> {
        match &self.value {
            Value::Set(secret) => Ok(secret),
            Value::Unset { variable } => Err(variable),
        }
    }

    /// The whole field value, for tests of other rooms.
    #[cfg(test)]
    pub(crate) fn value_for_test(&self) -> Option<String> {
        let secret = self.value().ok()?;
        Some(String::from_utf8(secret.octets().to_vec()).expect("visible ASCII"))
    }

    /// Whether a connection that carried one may carry the other. Both are ours, so the
    /// time this takes tells nobody anything.
    pub(crate) fn is_same_as(&self, other: &Credential) -> bool {
        match (&self.value, &other.value) {
            (Value::Set(one), Value::Set(two)) => {
                self.field_name == other.field_name && one.octets() == two.octets()
            }
            (Value::Unset { .. }, _) | (_, Value::Unset { .. }) => false,
        }
    }
}

/// The value of a Basic credential, for services and for a proxy on the way.
pub(crate) fn basic(user: &[u8], password: &[u8]) -> Secret {
    let plain = concatenate(&[user, b":", password]);
    // base64 grows by a third, rounded up to four: one allocation, or copies stay behind.
    let capacity = plain.len().div_ceil(3).saturating_mul(4);
    let mut encoded = Zeroizing::new(String::with_capacity(capacity));
    STANDARD.encode_string(plain.octets(), &mut encoded);
    concatenate(&[b"Basic ", encoded.as_bytes()])
}

fn concatenate(parts: &[&[u8]]) -> Secret {
    let mut whole = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        whole.extend_from_slice(part);
    }
    Secret::new(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(field_name: &str, form: &CredentialForm, token: &[u8]) -> Option<(String, String)> {
        let credential = Credential::render(field_name, form, &Secret::new(token.to_vec())).ok()?;
        Some((
            credential.field_name().to_owned(),
            credential.value_for_test()?,
        ))
    }

    #[test]
    fn a_token_is_rendered_as_its_service_reads_it() {
        let scheme = |word: &str| CredentialForm::Scheme(word.to_owned());
        let user = |user: &str| CredentialForm::Basic {
            user: user.to_owned(),
        };
        for (field_name, form, token, value) in [
            ("authorization", scheme("Bearer"), "abc", "Bearer abc"),
            ("authorization", scheme("token"), "ghp_1", "token ghp_1"),
            ("X-Api-Key", CredentialForm::Bare, "k-1", "k-1"),
            (
                "authorization",
                user(BASIC_USER_DEFAULT),
                "t",
                "Basic eC1hY2Nlc3MtdG9rZW46dA==",
            ),
            ("authorization", user(""), "t", "Basic OnQ="),
            (
                "authorization",
                user("oauth2"),
                "a:b",
                "Basic b2F1dGgyOmE6Yg==",
            ),
        ] {
            let expected = (field_name.to_ascii_lowercase(), value.to_owned());
            assert_eq!(
                rendered(field_name, &form, token.as_bytes()),
                Some(expected)
            );
        }
    }

    #[test]
    fn a_token_that_could_end_its_line_is_unusable() {
        for token in [
            &b""[..],
            b"a b",
            b"a\r\nx: y",
            b"a\n",
            b"\0",
            b"\x7f",
            b"t\xc3\xb6ken",
            b"\t",
        ] {
            assert_eq!(
                rendered("authorization", &CredentialForm::Bare, token),
                None,
                "{token:?}"
            );
        }
        assert!(rendered("authorization", &CredentialForm::Bare, b"!~").is_some());
    }

    #[test]
    fn only_equal_values_in_equal_fields_are_the_same() {
        let make = |field_name: &str, token: &str| {
            let token = Secret::new(token.as_bytes().to_vec());
            Credential::render(field_name, &CredentialForm::Bare, &token).expect("usable")
        };
        assert!(make("a", "1").is_same_as(&make("A", "1")));
        assert!(!make("a", "1").is_same_as(&make("a", "2")));
        assert!(!make("a", "1").is_same_as(&make("b", "1")));
        let unset = Credential::unset("a", "V");
        assert!(!unset.is_same_as(&unset));
        assert!(!unset.is_set());
        assert_eq!(unset.value().err(), Some("V"));
    }
}

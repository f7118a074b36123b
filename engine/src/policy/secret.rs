//! The one type in which a token lives.

use zeroize::Zeroizing;

/// Octets that nobody may read but the service they are for.
///
/// It has no `Debug`, `Display`, `Clone`, equality or serialisation, so that no log
/// line, error or copy can hold it by accident; it is wiped on drop, and
/// [`Secret::write_into`] is the only way out.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the octets over; the vector is wiped with the secret, spare capacity too.
    /// A vector that has grown has left copies behind: give it its capacity first.
    pub fn new(octets: Vec<u8>) -> Secret {
        Secret(Zeroizing::new(octets))
    }

    /// Appends the octets to an outgoing head.
    pub fn write_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    /// How many octets [`Secret::write_into`] appends.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to inject.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For rendering and for comparing two of ours; neither leaves this room.
    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, LoadedRoutes, ProxyUrl, TokenSource};
    use crate::policy::Credential;
    use crate::route::Route;

    /// Does not compile if `$type` has `$trait`: two impls would then fit `_`.
    macro_rules! assert_not_implemented {
        ($type:ty: $($trait:path),+) => {$({
            trait Ambiguous<Marker> { fn compiles() {} }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Implemented;
            impl<T: ?Sized + $trait> Ambiguous<Implemented> for T {}
            <$type as Ambiguous<_>>::compiles();
        })+};
    }

    #[test]
    fn no_type_that_holds_a_token_can_be_printed_copied_or_serialised() {
        macro_rules! mute {
            ($($type:ty),+) => {$(
                assert_not_implemented!(
                    $type: core::fmt::Debug, core::fmt::Display, Clone, serde::Serialize
                );
            )+};
        }
        mute!(
            Secret,
            Credential,
            Route,
            ProxyUrl,
            TokenSource,
            Config,
            LoadedRoutes
        );
        assert_not_implemented!(Secret: PartialEq, AsRef<[u8]>, core::ops::Deref);
    }

    #[test]
    fn a_secret_is_appended_and_nothing_else() {
        let secret = Secret::new(b"s3cret".to_vec());
        let mut head = b"x: ".to_vec();
        secret.write_into(&mut head);
        assert_eq!(head, b"x: s3cret");
        assert_eq!(secret.len(), 6);
        assert!(!secret.is_empty());
    }
}

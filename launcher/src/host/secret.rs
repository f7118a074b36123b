//! The one type in which a token lives.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit};
use rustix::process::{set_dumpable_behavior, setrlimit};
use zeroize::Zeroizing;

/// Core dumps off, for this process: its memory is not for files, nor for a debugger of the
/// same user. What it starts may raise the limit again.
///
/// # Errors
///
/// The kernel's.
pub fn hide_memory() -> rustix::io::Result<()> {
    // The hard limit stays, for the programs that are asked for tokens.
    let none = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    setrlimit(Resource::Core, none)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// Octets that nobody may read but the engine, which gets them over its standard input.
///
/// It has no `Debug`, `Display`, `Clone`, equality or serialisation, so that no message,
/// file or copy can hold it by accident; it is wiped on drop, and [`Secret::write_into`] is
/// the only way out.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the octets over; they are wiped with the secret, spare capacity too. A vector
    /// that has grown has left copies behind: give it its capacity first.
    pub fn new(octets: Zeroizing<Vec<u8>>) -> Secret {
        Secret(octets)
    }

    /// Appends the octets. Who gives a vector sees to its capacity and to its wiping.
    pub fn write_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    /// How many octets [`Secret::write_into`] appends.
    pub fn octet_count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_secret_is_appended_and_nothing_else() {
        assert_not_implemented!(
            Secret: core::fmt::Debug, core::fmt::Display, Clone, PartialEq, AsRef<[u8]>,
            core::ops::Deref, serde::Serialize
        );
        let secret = Secret::new(Zeroizing::new(b"s3cret".to_vec()));
        let mut out = b"A=".to_vec();
        secret.write_into(&mut out);
        assert_eq!(out, b"A=s3cret");
        assert_eq!(secret.octet_count(), 6);
    }
}

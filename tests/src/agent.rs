//! The agent's own credentials: what a client sends of its own accord, and what no
//! service may ever see.

use crate::received::Received;

/// The credential that every client of these tests brings.
pub const AGENTS_OWN: &str = "agents-own-placeholder";

/// Fails unless each request carries exactly one credential: `value` in `field`.
/// Nothing of what the agent brought may have come through.
///
/// # Panics
/// When one does not, or there is no request at all.
pub fn assert_only_ours(requests: &[Received], field: &str, value: &str) {
    assert!(!requests.is_empty(), "no request reached the service");
    for request in requests {
        assert_eq!(request.all(field), [value], "{field} in {request:#?}");
        let others = ["authorization", "x-api-key", "cookie"].into_iter();
        for other in others.filter(|other| !other.eq_ignore_ascii_case(field)) {
            assert!(request.all(other).is_empty(), "{other} in {request:#?}");
        }
        let smuggled = request
            .fields
            .iter()
            .any(|(_, value)| value.contains(AGENTS_OWN));
        assert!(!smuggled, "the agent's own credential in {request:#?}");
    }
}

//! Why a call of a forge's API came to nothing.

/// A sentence's part each, harmless to a terminal and without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ApiError {
    /// No whole answer came that can be understood.
    Lost(String),
    /// The forge's status, with its own words.
    Refused(u16, String),
}

impl ApiError {
    /// Whether the forge may have done what it was asked for all the same.
    pub(super) fn may_be_done(&self) -> bool {
        match self {
            ApiError::Lost(_) => true,
            // A key that is there already may be this one: whoever stands between may send a
            // request twice. What lies behind a gateway that fails may have worked.
            ApiError::Refused(status, _) => {
                matches!(status, 408 | 409 | 422) || !(300..500).contains(status)
            }
        }
    }
}

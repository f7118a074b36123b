//! Why there is no plan.

use core::fmt;

use crate::visible::visible;

/// Something that must be mended before there is a plan: where it stands, what is wrong,
/// and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The JSON path in the manifest, such as `bottles.dev.env.TZ`, or a path of the host.
    pub place: String,
    /// What is wrong, and what to do.
    pub text: String,
}

impl PlanError {
    /// Puts the two together.
    pub fn new(place: impl fmt::Display, text: impl fmt::Display) -> PlanError {
        PlanError {
            place: place.to_string(),
            text: text.to_string(),
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One line, whatever a repository called its folders.
        write!(f, "{}: {}", visible(&self.place), visible(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line() {
        let error = PlanError::new("/a\nbottle: all is well\u{1b}[8m", "is no name");
        let text = "/a\\u{a}bottle: all is well\\u{1b}[8m: is no name";
        assert_eq!(error.to_string(), text);
    }
}

//! The host: its facts for the plan, and the values that a plan only names.

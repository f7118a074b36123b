//! What of a text may be shown to a person at a terminal.

/// Text that can do nothing to a terminal and hides nothing from a person: what is no
/// visible letter is written as its number, also what turns the direction of writing.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || is_unseen(letter) {
            out.extend(letter.escape_unicode());
        } else {
            out.push(letter);
        }
    }
    out
}

/// Whether people see nothing of a letter that a program, or a model, reads: Unicode's
/// `Default_Ignorable_Code_Point`, its separators and annotations. One of its selectors
/// stands behind many an emoji and tells nothing by itself.
pub(crate) fn is_unseen(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_letter_is_unseen() {
        // Selectors and tags carry octets that only a model reads; fillers look like a space.
        for hidden in [
            '\u{e0100}',
            '\u{e0041}',
            '\u{fe01}',
            '\u{3164}',
            '\u{ad}',
            '\u{61c}',
            '\u{200d}',
        ] {
            let shown = visible(&format!("a{hidden}b"));
            assert_eq!(shown, format!("a\\u{{{:x}}}b", u32::from(hidden)));
        }
        assert_eq!(visible("größe ❤\u{fe0f} 漢字"), "größe ❤\u{fe0f} 漢字");
    }
}

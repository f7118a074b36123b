//! Is a program one that runs in an empty image?

use std::fmt;

/// Why a program does not run in an image made FROM scratch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotStatic {
    /// It is no ELF program of 64 bits in this machine's order of octets.
    NoProgram,
    /// It is for another kind of machine.
    OtherMachine,
    /// It asks for a dynamic linker, which an empty image does not have.
    NeedsLinker,
}

impl fmt::Display for NotStatic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotStatic::NoProgram => "it is not a 64-bit ELF program",
            NotStatic::OtherMachine => "it is for another kind of machine",
            NotStatic::NeedsLinker => "it is linked dynamically, and the image has no libraries",
        })
    }
}

/// `PT_INTERP` of elf(5).
const INTERPRETER: u32 = 3;

/// `e_machine` of this machine.
const MACHINE: u16 = if cfg!(target_arch = "aarch64") {
    183
} else {
    62
};

/// Looks at a program's first octets; 4 KiB hold all headers that linkers write.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn check_static(program: &[u8]) -> Result<(), NotStatic> {
    let number = |at: usize, length: usize| -> Result<u64, NotStatic> {
        let octets = program.get(at..at + length).ok_or(NotStatic::NoProgram)?;
        let value = octets
            .iter()
            .rev()
            .fold(0, |n, octet| n << 8 | u64::from(*octet));
        Ok(value)
    };
    // Magic, 64 bits, little-endian.
    if !program.starts_with(b"\x7fELF\x02\x01") {
        return Err(NotStatic::NoProgram);
    }
    if number(18, 2)? != u64::from(MACHINE) {
        return Err(NotStatic::OtherMachine);
    }
    let (offset, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for index in 0..count {
        let at = usize::try_from(offset + index * size).map_err(|_huge| NotStatic::NoProgram)?;
        if number(at, 4)? == u64::from(INTERPRETER) {
            return Err(NotStatic::NeedsLinker);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_test_is_static() {
        let own = std::fs::read("/proc/self/exe").expect("this program");
        assert_eq!(check_static(&own), Ok(()));
    }

    #[test]
    fn what_needs_a_linker_or_is_no_program_is_refused() {
        let mut dynamic = std::fs::read("/proc/self/exe").expect("this program");
        let headers = usize::try_from(u64::from_le_bytes(
            dynamic[32..40].try_into().expect("eight octets"),
        ))
        .expect("small");
        dynamic[headers] = 3;
        assert_eq!(check_static(&dynamic), Err(NotStatic::NeedsLinker));
        dynamic[18] = 8;
        assert_eq!(check_static(&dynamic), Err(NotStatic::OtherMachine));
        assert_eq!(check_static(b"#!/bin/sh\n"), Err(NotStatic::NoProgram));
        assert_eq!(check_static(b"\x7fELF\x02\x01"), Err(NotStatic::NoProgram));
        assert_eq!(check_static(b""), Err(NotStatic::NoProgram));
    }
}

//! Hosts and address blocks of the egress face.

use super::authority::Authority;
use core::net::IpAddr;

/// `host`, `*.suffix` or `host:port`, in lower case.
pub(in crate::manifest) fn allowed_host(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err("would allow every host; write the hosts that are needed".to_owned());
    }
    let (mark, rest) = match text.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", text),
    };
    let authority = parse(rest)?;
    if !mark.is_empty() && authority.host.parse::<IpAddr>().is_ok() {
        return Err(
            "is a suffix of an address; write the address, or a block in allow_cidr".into(),
        );
    }
    Ok(format!("{mark}{authority}"))
}

/// A host without a port, in lower case.
pub(in crate::manifest) fn route_host(text: &str) -> Result<String, String> {
    let authority = parse(text)?;
    match authority.port {
        Some(_) => Err("has a port; write it as \"port\"".to_owned()),
        None => Ok(Authority {
            port: None,
            ..authority
        }
        .to_string()),
    }
}

fn parse(text: &str) -> Result<Authority, String> {
    if text.contains("://") {
        return Err("is a URL; write the host alone, like \"docs.example.org\"".to_owned());
    }
    if !text.is_ascii() {
        return Err("is not in ASCII; write the name's `xn--` form".to_owned());
    }
    Authority::parse(text).map_err(|error| {
        format!("{error}; write it like \"docs.example.org\" or \"*.example.org\"")
    })
}

/// `address/length`, without bits behind the length: those would be a slip.
pub(in crate::manifest) fn address_block(text: &str) -> Result<String, &'static str> {
    let example = "is no address block; write it like \"10.20.0.0/16\"";
    let (address, length) = text.split_once('/').ok_or(example)?;
    let is_number = (1..=3).contains(&length.len()) && length.bytes().all(|o| o.is_ascii_digit());
    let (Ok(address), Ok(length), true) =
        (address.parse::<IpAddr>(), length.parse::<u32>(), is_number)
    else {
        return Err(example);
    };
    let (bits, width) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    if length > width {
        return Err(example);
    }
    let host_bits = width - length;
    let host_mask = 1_u128
        .checked_shl(host_bits)
        .map_or(u128::MAX, |bit| bit - 1);
    match bits & host_mask {
        0 => Ok(format!("{address}/{length}")),
        _ => Err("has bits behind its length; write the block's first address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_spelling_or_none() {
        for (text, expected) in [
            ("Docs.Example.org", "docs.example.org"),
            ("*.Example.net", "*.example.net"),
            ("h:8443", "h:8443"),
            ("*.example.net:8443", "*.example.net:8443"),
            ("192.0.2.1", "192.0.2.1"),
            ("[0::1]:9", "[::1]:9"),
        ] {
            assert_eq!(allowed_host(text).as_deref(), Ok(expected));
        }
        for text in [
            "",
            "*",
            "*.",
            "*example.org",
            "a.*.org",
            "example.org.",
            ".example.org",
            "user@h",
            "h:0",
            "h:65536",
            "h\0",
            "[example.org]",
            "2130706433",
            "0x7f.1",
            "::1",
            "[fe80::1%eth0]",
            "*.192.0.2.1",
            "https://h",
            "h/p",
            "bücher.example",
        ] {
            assert!(allowed_host(text).is_err(), "{text:?}");
        }
        assert!(route_host("h:1").is_err());
        assert_eq!(route_host("H").as_deref(), Ok("h"));
    }

    #[test]
    fn a_block_begins_at_its_first_address() {
        for text in [
            "10.20.0.0/16",
            "0.0.0.0/0",
            "192.0.2.1/32",
            "fd00::/8",
            "::/0",
            "::1/128",
        ] {
            assert_eq!(address_block(text).as_deref(), Ok(text));
        }
        for text in [
            "",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "fd00::1/8",
            "::/129",
            "10.0.0.0/+8",
            "10.0.0.0/0008",
            "10/8",
            "h/8",
        ] {
            assert!(address_block(text).is_err(), "{text}");
        }
    }
}

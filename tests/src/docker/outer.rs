//! The outside, as far as these tests have one: a network that the test made, with an
//! address of this machine in it, and containers that are in no bottle.

use std::net::{IpAddr, TcpListener};

use serde_json::Value;

use super::engine::Engine;
use crate::process::Finished;
use crate::program::Running;
use crate::upstream::listen_at;
use crate::user::number;

/// What everything that a test makes by itself bears.
const LABEL: &str = "bottle.test=outer";

/// A network; it goes away with the value.
pub struct Outer {
    engine: &'static Engine,
    name: String,
}

impl Outer {
    /// A network as the engine makes it where nothing else is said, IPv6 included.
    ///
    /// # Panics
    /// When the engine has no room for it.
    pub fn new(engine: &'static Engine) -> Outer {
        // A unique local prefix (RFC 4193) of which nobody else here has the same.
        let next = number();
        let (process, index) = next.split_once('x').unwrap_or(("0", "0"));
        let process = format!("{process:0>8}");
        let (high, low) = process.split_at(process.len() - 4);
        let prefix = format!("fdbb:{}:{low}:{index}::/64", &high[high.len() - 4..]);
        Outer::with(engine, &["--ipv6", "--subnet", &prefix])
    }

    /// A network that the engine keeps apart with nothing but its own `internal`.
    ///
    /// # Panics
    /// When the engine has no room for it.
    pub fn internal(engine: &'static Engine) -> Outer {
        Outer::with(engine, &["--internal"])
    }

    /// A network of that name, which somebody else could have made.
    ///
    /// # Panics
    /// When the engine has no room for it.
    pub fn named(engine: &'static Engine, name: &str) -> Outer {
        Outer::make(engine, name.to_owned(), &[])
    }

    fn with(engine: &'static Engine, options: &[&str]) -> Outer {
        Outer::make(engine, format!("outer-{}", number()), options)
    }

    fn make(engine: &'static Engine, name: String, options: &[&str]) -> Outer {
        let mut command = vec!["network", "create", "--label", LABEL];
        command.extend(options);
        command.push(&name);
        engine.ask(&command);
        Outer { engine, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// This machine's IPv4 address in it.
    ///
    /// # Panics
    /// When the engine gave it none.
    pub fn address(&self) -> IpAddr {
        let said = self.engine.ask(&["network", "inspect", &self.name]);
        let said: Value = serde_json::from_str(&said).expect("JSON");
        let blocks = said[0]["IPAM"]["Config"].as_array().cloned();
        let gateways = blocks.unwrap_or_default();
        let mut gateways = gateways
            .iter()
            .filter_map(|block| block["Gateway"].as_str()?.parse().ok());
        let found = gateways.find(IpAddr::is_ipv4);
        found.unwrap_or_else(|| panic!("no address of this machine in {said}"))
    }

    /// A listener on a free port at [`address`](Self::address).
    ///
    /// # Panics
    /// When the engine is not on this machine.
    pub fn listener(&self) -> TcpListener {
        listen_at(self.address())
    }

    /// Starts a container in it and waits for the first line that it says. It may be told
    /// more options of `docker run`.
    ///
    /// # Panics
    /// When it says nothing.
    pub fn start(&self, options: &[&str], image: &str, command: &[&str]) -> Container {
        let mut all = vec!["--network", &self.name];
        all.extend(options);
        Container::start(self.engine, &all, image, command)
    }
}

impl Drop for Outer {
    fn drop(&mut self) {
        // What a failed test left in it keeps it; that is told by the engine's own list.
        let _in_use = self.engine.run(&["network", "rm", &self.name]);
    }
}

/// A container that is in no bottle; it goes away with the value.
pub struct Container {
    engine: &'static Engine,
    name: String,
    _attached: Running,
}

impl Container {
    /// Starts one and waits for the first line that it says.
    ///
    /// # Panics
    /// When it says nothing.
    pub fn start(
        engine: &'static Engine,
        options: &[&str],
        image: &str,
        command: &[&str],
    ) -> Container {
        Container::named(
            engine,
            &format!("outsider-{}", number()),
            options,
            image,
            command,
        )
    }

    /// The same with a name of its own.
    ///
    /// # Panics
    /// When it says nothing.
    pub fn named(
        engine: &'static Engine,
        name: &str,
        options: &[&str],
        image: &str,
        command: &[&str],
    ) -> Container {
        let name = name.to_owned();
        let mut all = vec!["run", "--rm", "--init", "--label", LABEL, "--name", &name];
        all.extend(options);
        all.push(image);
        all.extend(command);
        let mut attached = engine.docker(&all).start();
        attached.line();
        Container {
            engine,
            name,
            _attached: attached,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address in the network of that name.
    ///
    /// # Panics
    /// When it is not in there.
    pub fn address_in(&self, network: &str, is_v6: bool) -> IpAddr {
        address_in(self.engine, &self.name, network, is_v6)
    }
}

impl Container {
    /// Runs a command in it to its end.
    ///
    /// # Panics
    /// When it hangs.
    pub fn exec(&self, command: &[&str]) -> Finished {
        let mut all = vec!["exec", &self.name];
        all.extend(command);
        self.engine.run(&all)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _gone = self.engine.run(&["rm", "--force", "--volumes", &self.name]);
    }
}

/// The address of a container in a network.
///
/// # Panics
/// When it is not in there.
pub(super) fn address_in(engine: &Engine, container: &str, network: &str, is_v6: bool) -> IpAddr {
    let said = engine.ask(&["inspect", container]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let place = &said[0]["NetworkSettings"]["Networks"][network];
    let key = match is_v6 {
        true => "GlobalIPv6Address",
        false => "IPAddress",
    };
    let address = place[key].as_str().and_then(|text| text.parse().ok());
    address.unwrap_or_else(|| panic!("{container} has no {key} in {network}: {place}"))
}

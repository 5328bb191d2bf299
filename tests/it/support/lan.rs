//! Small LANs of network namespaces on a bridge: machines of their own, as far as sockets can see.
//! It takes root, `ip` of iproute2, and a kernel that lets namespaces be made.

use std::fs::File;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use rustix::thread::LinkNameSpaceType;
use rustix::thread::move_into_link_name_space;

use crate::support::need::Need;

/// Namespaces, each with an interface `eth0` on the same bridge. They go when this is dropped.
pub struct Lan {
    hub: String,
    machines: Vec<String>,
}

impl Lan {
    /// Makes a LAN of 1 to 200 machines, with an address of IPv4 and of IPv6 each. `None` where this
    /// machine cannot, and the test may go on without.
    pub fn new(machines: u8) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = |of: &str| format!("alimentar-{}-{count}-{of}", std::process::id());
        // Dropped when something fails: whatever was made by then goes again.
        let mut lan = Self {
            hub: name("hub"),
            machines: Vec::new(),
        };
        let made = lan.make_hub().and_then(|()| {
            (0..machines).try_for_each(|n| {
                lan.machines.push(name(&n.to_string()));
                lan.make_machine(n)
            })
        });
        match made {
            Ok(()) => Some(lan),
            Err(why) => {
                Need::NetworkNamespaces.is_missing(&why);
                None
            }
        }
    }

    fn make_hub(&self) -> Result<(), String> {
        let hub = &self.hub;
        ip(&format!("netns add {hub}"))?;
        ip(&format!(
            "-n {hub} link add br0 type bridge mcast_snooping 0"
        ))?;
        ip(&format!("-n {hub} link set br0 up"))
    }

    fn make_machine(&self, n: u8) -> Result<(), String> {
        let (hub, ns) = (&self.hub, &self.machines[usize::from(n)]);
        ip(&format!("netns add {ns}"))?;
        ip(&format!(
            "-n {hub} link add p{n} type veth peer name eth0 netns {ns}"
        ))?;
        ip(&format!("-n {hub} link set p{n} master br0 up"))?;
        ip(&format!("-n {ns} link set lo up"))?;
        let (v4, v6) = (Self::v4(n), Self::v6(n));
        ip(&format!("-n {ns} addr add {v4}/24 dev eth0"))?;
        ip(&format!("-n {ns} addr add {v6}/64 dev eth0 nodad"))?;
        ip(&format!("-n {ns} link set eth0 up multicast on"))
    }

    /// The address of a machine.
    pub fn v4(machine: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, machine + 1)
    }

    /// The same over IPv6.
    pub fn v6(machine: u8) -> Ipv6Addr {
        Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, u16::from(machine) + 1)
    }

    /// A program on a machine.
    pub fn command(&self, machine: u8, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.machines[usize::from(machine)]]);
        command.arg(program);
        command
    }

    /// Calls a function on a thread that is on a machine; so are the threads that it starts.
    pub fn on<T: Send>(&self, machine: u8, run: impl FnOnce() -> T + Send) -> T {
        let path = format!("/run/netns/{}", self.machines[usize::from(machine)]);
        let namespace = File::open(path).unwrap();
        let inside = move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            run()
        };
        std::thread::scope(|s| s.spawn(inside).join().unwrap())
    }

    /// Pulls a machine's cable, or plugs it in.
    pub fn link(&self, machine: u8, is_up: bool) {
        let ns = &self.machines[usize::from(machine)];
        let how = if is_up { "up" } else { "down" };
        ip(&format!("-n {ns} link set eth0 {how}")).unwrap();
    }

    /// Gives a machine one more address, such as `10.77.0.100/24`.
    pub fn add_address(&self, machine: u8, address: &str) {
        let ns = &self.machines[usize::from(machine)];
        ip(&format!("-n {ns} addr add {address} dev eth0")).unwrap();
    }

    /// Takes an address away.
    pub fn remove_address(&self, machine: u8, address: &str) {
        let ns = &self.machines[usize::from(machine)];
        ip(&format!("-n {ns} addr del {address} dev eth0")).unwrap();
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        for namespace in self.machines.iter().chain([&self.hub]) {
            // It may never have been made.
            let _ = ip(&format!("netns del {namespace}"));
        }
    }
}

fn ip(words: &str) -> Result<(), String> {
    let ran = Command::new("ip").args(words.split(' ')).output();
    let out = ran.map_err(|e| format!("ip (iproute2): {e}"))?;
    match out.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&out.stderr);
            Err(format!("ip {words}: {}", said.trim()))
        }
    }
}

#[test]
fn lan_machines_have_their_own_network() {
    let Some(lan) = Lan::new(2) else { return };
    let socket = lan.on(0, || std::net::UdpSocket::bind((Lan::v4(0), 9)).unwrap());
    lan.on(1, || {
        let other = std::net::UdpSocket::bind((Lan::v4(0), 9)).unwrap_err();
        assert_eq!(other.kind(), std::io::ErrorKind::AddrNotAvailable);
        let other = std::net::UdpSocket::bind((Lan::v4(1), 9)).unwrap();
        other.send_to(b"hello", (Lan::v4(0), 9)).unwrap();
    });
    let mut bytes = [0; 9];
    let (n, from) = socket.recv_from(&mut bytes).unwrap();
    assert_eq!((&bytes[..n], from.ip()), (&b"hello"[..], Lan::v4(1).into()));
    let out = lan
        .command(0, "ip")
        .args(["addr", "show"])
        .output()
        .unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(said.contains("10.77.0.1/24") && !said.contains("10.77.0.2"));
}

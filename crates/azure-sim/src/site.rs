//! Where VMs can be reached on this machine: loopback addresses and the ports that the system lets one bind.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};

use crate::fleet::{Fleet, VmSpec};
use crate::state::vm::{PublicIp, VmPort};

/// Ports on which a simulator shows that it holds a block of addresses.
const FIRST_CLAIM: u16 = 19_000;
const BLOCKS: u8 = 240;
/// Mapped ports lie below the ports that systems hand out by themselves.
const FIRST_MAPPED: u16 = 20_000;
const MAPPED_PER_BLOCK: u16 = 40;

/// A block of loopback addresses that no other simulator on this machine uses.
#[derive(Debug)]
pub(crate) struct Site {
    _claim: TcpListener,
    block: u8,
    mapped: u16,
    /// The mapped ports that VMs have: nobody listens on most of them.
    given: HashSet<u16>,
}

impl Site {
    /// Claims the first free block: `127.77.0.x` when this is the only simulator.
    pub(crate) fn claim() -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for block in 0..BLOCKS {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, FIRST_CLAIM + u16::from(block))) {
                Ok(claim) => return Ok(Self { _claim: claim, block, mapped: 0, given: HashSet::new() }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// How a VM can be reached: by an address of its own when the system lets one bind its ports there, else by mapped
    /// ports as behind an Azure Firewall.
    pub(crate) fn place(&mut self, fleet: &Fleet, index: usize) -> io::Result<(PublicIp, Vec<VmPort>)> {
        let spec = &fleet.vms[index];
        let plain = || spec.ports.iter().map(|port| VmPort { number: port.number, mapped_port: None }).collect();
        if spec.private_only {
            return Ok((PublicIp::None, plain()));
        }
        let address = spec.address.unwrap_or_else(|| self.address(77, index));
        if !spec.firewall && can_bind(spec, address)? {
            return Ok((self.public_ip(spec, address, index), plain()));
        }
        let mut ports = Vec::new();
        for port in &spec.ports {
            ports.push(VmPort { number: port.number, mapped_port: Some(self.next_mapped()?) });
        }
        Ok((PublicIp::Firewall(Ipv4Addr::LOCALHOST), ports))
    }

    fn public_ip(&self, spec: &VmSpec, address: Ipv4Addr, index: usize) -> PublicIp {
        if !spec.dynamic_address {
            return PublicIp::Static(address);
        }
        let running = spec.power != crate::fleet::InitialPower::Deallocated;
        let others = [78, 79].map(|net| self.address(net, index));
        if running {
            PublicIp::Dynamic { current: Some(address), pool: others.into() }
        } else {
            PublicIp::Dynamic { current: None, pool: [address].into_iter().chain(others).collect() }
        }
    }

    /// `127.{net}.{block}.11` and on.
    fn address(&self, net: u8, index: usize) -> Ipv4Addr {
        let host = u32::try_from(index).unwrap_or(u32::MAX);
        // Large fleets go on in networks of their own, three further for each two hundred VMs.
        let net = u32::from(net) + 3 * (host / 200);
        Ipv4Addr::from((127 << 24) | ((net & 0xff) << 16) | (u32::from(self.block) << 8) | (11 + host % 200))
    }

    fn next_mapped(&mut self) -> io::Result<u16> {
        while self.mapped < MAPPED_PER_BLOCK {
            let port = FIRST_MAPPED + u16::from(self.block) * MAPPED_PER_BLOCK + self.mapped;
            self.mapped += 1;
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && self.given.insert(port) {
                return Ok(port);
            }
        }
        // The block's own ports are used up: any port that is free now. One that a VM has already is held meanwhile, so
        // that the system names another.
        let mut held = Vec::new();
        loop {
            let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = probe.local_addr()?.port();
            if self.given.insert(port) {
                return Ok(port);
            }
            held.push(probe);
        }
    }
}

/// Probes by binding. That a port of an address of one's own choice is taken is an error; that the system refuses is not.
fn can_bind(spec: &VmSpec, address: Ipv4Addr) -> io::Result<bool> {
    for port in &spec.ports {
        match TcpListener::bind(SocketAddrV4::new(address, port.number)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && spec.address.is_some() => return Err(error),
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_vms_get_the_same_mapped_port_however_many_there_are() {
        let mut site = Site::claim().unwrap();
        let ports: HashSet<_> = (0..3_000).map(|_| site.next_mapped().unwrap()).collect();
        assert_eq!(ports.len(), 3_000);
    }
}

# SPDX-License-Identifier: ISC
"""What every server of the lab stands on; nothing else runs before a test asks for it."""
import internet
from certificates import Authority
from faces import Faces
from nameserver import Nameserver
from siegel import copy_programs
from witness import Witness


class World:
    """The wire, the witness, the authority, the name server and every machine made so far."""

    def __init__(self):
        internet.build_wire()
        copy_programs()
        self.witness = Witness()
        self.authority = Authority()
        self.faces = Faces(self.authority)
        self.machines = {}
        self.nameserver = Nameserver(self)

    def machine(self, name, **more):
        """A machine whose link is watched before anything on it runs."""
        made = internet.Machine(name, internet.HOSTS[name], **more)
        self.machines[name] = made
        self.witness.watch(name)
        return made

    def peers(self):
        """The machine of the scripted peers, with an address for each of their domains."""
        if "peers" not in self.machines:
            numbers = [*internet.PEERS.values(), *internet.PEER_EXTRA]
            self.machine("peers", extra=numbers)
        return self.machines["peers"]

    def close(self):
        for machine in self.machines.values():
            machine.shut_down()
        self.witness.stop()

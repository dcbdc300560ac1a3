# SPDX-License-Identifier: MIT
"""A host whose IOMMU is off."""

from lib import NIC, card, conf, driver, equal, refused

MACHINE = {"iommu": False}


def test_refused(m):
    m.sh(conf("nic", card(NIC)))
    refused(m, "nic", r"0000:01:00.0 is in no IOMMU group: the host's IOMMU is off")
    equal("its driver", driver(m, NIC), "e1000e")

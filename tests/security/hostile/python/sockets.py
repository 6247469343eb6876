"""Talks to whatever is outside: the host, the platform, the network, other functions."""

import socket

FAMILIES = {"unspecified": 0, "AX.25": 3, "IPX": 4, "key": 15, "netlink": 16, "packet": 17, "RDS": 21,
            "LLC": 26, "InfiniBand": 27, "CAN": 29, "TIPC": 30, "Bluetooth": 31, "ALG": 38, "NFC": 39,
            "VSOCK": 40, "KCM": 41, "QIPCRTR": 42, "SMC": 43, "XDP": 44, "MCTP": 45, "unknown": 46,
            "out of range": 1 << 20}
OUTSIDE = ["8.8.8.8", "1.1.1.1", "169.254.169.254", "10.0.0.1", "172.17.0.1", "192.168.0.1"]
OUTSIDE_V6 = ["2001:4860:4860::8888", "fd00::1"]
PATIENCE = 2


def attempts(event):
    all = {f"family {name}": lambda number=number: socket.socket(number, socket.SOCK_DGRAM)
           for name, number in FAMILIES.items()}
    all["raw socket"] = lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    all["raw socket, IPv6"] = lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW,
                                                    socket.IPPROTO_ICMPV6)
    all["ping socket"] = lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM,
                                               socket.IPPROTO_ICMP)
    all |= {f"connect to {host}": lambda host=host: connect(socket.AF_INET, (host, 80))
            for host in OUTSIDE}
    all |= {f"connect to {host}": lambda host=host: connect(socket.AF_INET6, (host, 80))
            for host in OUTSIDE_V6}
    all |= {f"datagram to {host}": lambda host=host: datagram(host) for host in OUTSIDE}
    for host in event["hosts"]:
        for name, port in event["ports"].items():
            all[f"{name} at {host}"] = lambda host=host, port=port: connect(
                socket.AF_INET, (host, port))
    all |= {f"abstract socket {name}": lambda name=name: connect(socket.AF_UNIX, "\0" + name)
            for name in event["abstract"]}
    all |= {f"socket {path}": lambda path=path: connect(socket.AF_UNIX, path)
            for path in event["sockets"]}
    all["other interfaces"] = lambda: none_of(set(interfaces()) - {"lo"})
    all["other connections"] = lambda: none_of(open("/proc/net/tcp").readlines()[1:])
    all["other sockets"] = lambda: none_of(foreign_sockets())
    all["a name server"] = resolve
    return all


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(address)
        return address


def datagram(host):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"hostile", (host, 53))


def interfaces():
    with open("/proc/net/dev") as lines:
        return [line.split(":")[0].strip() for line in lines if ":" in line]


def foreign_sockets():
    """Names of Unix sockets; ours have none."""
    with open("/proc/net/unix") as lines:
        return [line.split()[7] for line in list(lines)[1:] if len(line.split()) > 7]


def resolve():
    try:
        return socket.getaddrinfo("example.com", 80)
    except socket.gaierror:
        refuse(errno.ENETUNREACH)

package backend

import (
	"net"
	"net/netip"
	"strings"
)

// ClientKey is the metadata that tells the router who calls. Clients cannot set
// it: what they send under names that begin with x-so- is dropped.
const ClientKey = "x-so-client"

// maxClientID is in bytes.
const maxClientID = 128

// ClientIdentity is whose rate limit a call counts against: what the client, or
// rather the proxy before us, says in the header that is configured for it, or
// else the client's address.
func ClientIdentity(said, remoteAddress string) string {
	if isClientID(said) {
		return "id:" + said
	}
	host, _, err := net.SplitHostPort(remoteAddress)
	if err != nil {
		return "ip:" + remoteAddress
	}
	return "ip:" + network(host)
}

func isClientID(said string) bool {
	return said != "" && len(said) <= maxClientID &&
		strings.IndexFunc(said, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// network is what one client is sure to hold: an IPv4 address, or the 64 bits
// of an IPv6 network, in which it may choose its addresses.
func network(host string) string {
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return address.String()
	}
	return prefix.String()
}

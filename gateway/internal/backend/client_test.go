package backend

import (
	"strings"
	"testing"
)

func TestClientIdentity(t *testing.T) {
	for name, test := range map[string]struct{ said, address, want string }{
		"address without port":   {"", "192.0.2.7:1234", "ip:192.0.2.7"},
		"mapped address":         {"", "[::ffff:192.0.2.7]:1234", "ip:192.0.2.7"},
		"network of IPv6":        {"", "[2001:db8:1:2:3:4:5:6]:80", "ip:2001:db8:1:2::/64"},
		"zone":                   {"", "[fe80::1%eth0]:80", "ip:fe80::/64"},
		"no address":             {"", "bufconn", "ip:bufconn"},
		"header":                 {"alice", "192.0.2.7:1234", "id:alice"},
		"header like an address": {"192.0.2.9", "192.0.2.7:1234", "id:192.0.2.9"},
		"header too long":        {strings.Repeat("x", 129), "192.0.2.7:1234", "ip:192.0.2.7"},
		"header not printable":   {"a\x00b", "192.0.2.7:1234", "ip:192.0.2.7"},
	} {
		if got := ClientIdentity(test.said, test.address); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

#pragma once

#include "base/unique_fd.h"
#include "sandbox/isolation/outcome.h"

namespace so::egress {

// Largest packet that passes through the tunnel.
inline constexpr int kTunnelMtu = 65520;

// Makes a network interface in the namespace `network`, which belongs to the
// user namespace `user`, with everything routed through it, and returns the
// host's end: IP packets, non-blocking. The caller needs CAP_SYS_ADMIN, one
// thread, and stays in its own namespaces.
isolation::Outcome OpenTunnel(int network, int user, UniqueFd& tunnel);

}  // namespace so::egress

#pragma once

// The network of a sandbox with `network: egress`. Its addresses are of the
// range for benchmarks (RFC 2544), which nobody has: no network that a sandbox
// may want to reach is hidden by them. They are the same in all sandboxes.
namespace so::egress {

inline constexpr char kSandboxAddress[] = "198.18.0.100";
// Nothing but a sender of refusals.
inline constexpr char kGateway[] = "198.18.0.2";
// The host's name server, port 53 only.
inline constexpr char kNameServer[] = "198.18.0.3";
inline constexpr char kResolvConf[] = "nameserver 198.18.0.3\n";

}  // namespace so::egress

#pragma once

#include <memory>
#include <string>

#include "grpcpp/channel.h"

namespace so {

// Largest message on any internal connection, in bytes: a 50 MiB archive and
// its envelope. The 6 MiB of events and results are enforced where they enter.
inline constexpr int kMaxMessageBytes = 80 << 20;

// What a peer may send on one stream ahead of being read, in bytes. Fixed,
// since gRPC would otherwise ping with every message to measure the bandwidth.
inline constexpr int kWindowBytes = 1 << 20;

// A channel to another service, which may not be up yet: it reconnects by
// itself, at most 2 s after the service is back, and notices within 15 s that a
// silent peer is gone. Calls fail at once with UNAVAILABLE while it is down. A
// channel lives as long as the process: make one per peer, not one per call.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);

}  // namespace so

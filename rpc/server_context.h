#pragma once

#include <string>

#include "absl/time/time.h"
#include "grpcpp/server_context.h"

namespace so {

// What the client sent with the call under `key`; empty when nothing.
inline std::string MetadataOf(const grpc::ServerContext& context,
                              const std::string& key) {
  const auto& all = context.client_metadata();
  const auto it = all.find(key);
  return it == all.end() ? ""
                         : std::string(it->second.data(), it->second.size());
}

// When the client stops waiting, a wall time.
inline absl::Time DeadlineOf(const grpc::ServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) {
    return absl::InfiniteFuture();
  }
  return absl::FromChrono(deadline);
}

}  // namespace so

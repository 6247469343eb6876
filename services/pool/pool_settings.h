#pragma once

#include <string>

#include "absl/status/status.h"
#include "serverless/config/v1/pool.pb.h"
#include "services/pool/instance_pool.h"

namespace so {

// The pool's options, with the settings that depend on the machine worked out.
InstancePool::Options PoolOptions(
    const serverless::config::v1::PoolConfig& config);

// Whether user `uid` can reach `path`: every folder above it must let others
// through. FAILED_PRECONDITION names the first that does not. OK when this
// process is not root, since then instances run as the same user.
absl::Status CheckReachable(const std::string& path, int uid);

}  // namespace so

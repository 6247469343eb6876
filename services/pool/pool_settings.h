#pragma once

#include "serverless/config/v1/pool.pb.h"
#include "services/pool/instance_pool.h"
#include "services/pool/parked_pool.h"

namespace so {

// The pool's options, with the settings that depend on the machine worked out.
InstancePool::Options PoolOptions(
    const serverless::config::v1::PoolConfig& config);

ParkedPool::Options ParkingOptions(
    const serverless::config::v1::PoolConfig& config);

}  // namespace so

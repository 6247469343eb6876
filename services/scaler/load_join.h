#pragma once

#include <optional>
#include <vector>

#include "serverless/pool/v1/pool.pb.h"
#include "serverless/router/v1/router.pb.h"
#include "services/scaler/load_source.h"

namespace so {

// Joins what the router and each pool say, by function. Every function that a
// pool knows is in it; the instances of all pools add up. An empty pool is one
// that did not answer.
LoadReading JoinLoad(
    const serverless::router::v1::GetStatisticsResponse& statistics,
    const std::vector<std::optional<serverless::pool::v1::GetMetricsResponse>>&
        pools);

}  // namespace so

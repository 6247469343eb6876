#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "sandbox/launcher/egress_helper.h"
#include "sandbox/launcher/layers.h"
#include "sandbox/launcher/runtime_programs.h"
#include "sandbox/launcher/runtime_zygotes.h"
#include "sandbox/launcher/sandbox_table.h"
#include "serverless/config/v1/launcher.pb.h"

namespace so {

// Settings as the parts of the launcher take them; paths become absolute.
RuntimeDirectories Directories(
    const serverless::config::v1::LauncherConfig& config);
std::string SocketPath(const serverless::config::v1::LauncherConfig& config);
uid_t ClientUid(const serverless::config::v1::LauncherConfig& config);
SandboxTable::Options TableOptions(
    const serverless::config::v1::LauncherConfig& config);
// Fails when a range is none.
absl::StatusOr<EgressHelper::Options> EgressOptions(
    const serverless::config::v1::LauncherConfig& config);
ZygoteLimits LimitsOfZygotes(
    const serverless::config::v1::LauncherConfig& config);

}  // namespace so

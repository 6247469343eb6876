// so-egress: the outbound network of one sandbox. The launcher starts it; see
// sandbox/egress/helper_protocol.h.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "sandbox/egress/destination_filter.h"
#include "sandbox/egress/helper/confinement.h"
#include "sandbox/egress/helper/host_addresses.h"
#include "sandbox/egress/helper/translator.h"
#include "sandbox/egress/helper/tunnel.h"
#include "sandbox/egress/helper_protocol.h"
#include "sandbox/protocol/packet.h"

namespace so::egress {
namespace {

using isolation::Check;
using isolation::Outcome;

void Report(const Outcome& outcome) {
  HelperReport report;
  report.error = outcome.error;
  if (!outcome.ok()) {
    std::snprintf(report.step, sizeof(report.step), "%s", outcome.step);
  }
  SendMessage(kReportFd, report);
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "so-egress is started by so-launcher\n");
    return 2;
  }
  const uid_t uid = static_cast<uid_t>(std::strtoul(argv[1], nullptr, 10));
  std::vector<Ipv4Range> allowed;
  for (int i = 2; i < argc; ++i) {
    const std::optional<Ipv4Range> range = ParseIpv4Range(argv[i]);
    if (!range) return 2;
    allowed.push_back(*range);
  }
  HostAddresses own;
  const DestinationFilter filter(
      allowed, [&own](uint32_t address) { return own.Contains(address); });
  UniqueFd tunnel;
  Outcome outcome =
      Check(prctl(PR_SET_PDEATHSIG, SIGKILL), "end with the launcher");
  if (outcome.ok()) {
    outcome = OpenTunnel(kNetworkNamespaceFd, kUserNamespaceFd, tunnel);
  }
  close(kNetworkNamespaceFd);
  close(kUserNamespaceFd);
  if (!outcome.ok()) {
    Report(outcome);
    return 1;
  }
  // Before it is confined: libslirp reads some files when it starts.
  Translator translator(std::move(tunnel), filter);
  outcome = Confine(uid);
  Report(outcome);
  if (!outcome.ok()) return 1;
  translator.Run(kReportFd);
  return 0;
}

}  // namespace
}  // namespace so::egress

int main(int argc, char** argv) { return so::egress::Main(argc, argv); }

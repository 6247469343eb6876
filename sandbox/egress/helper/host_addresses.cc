#include "sandbox/egress/helper/host_addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>

namespace so::egress {

bool HostAddresses::Contains(uint32_t address) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  if (!known_ || now.tv_sec != refreshed_) {
    refreshed_ = now.tv_sec;
    Refresh();
  }
  return !known_ || addresses_.count(address) != 0;
}

void HostAddresses::Refresh() {
  ifaddrs* list = nullptr;
  known_ = getifaddrs(&list) == 0;
  addresses_.clear();
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) {
      continue;
    }
    const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
    addresses_.insert(ntohl(address->sin_addr.s_addr));
  }
  if (list != nullptr) freeifaddrs(list);
}

}  // namespace so::egress

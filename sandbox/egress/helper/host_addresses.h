#pragma once

#include <time.h>

#include <cstdint>
#include <set>

namespace so::egress {

// The addresses of this network namespace, the host's. Looked up again when
// they are older than a second: they come and go.
class HostAddresses {
 public:
  // `address` is in host byte order. When they cannot be found out, every
  // address is taken for one.
  bool Contains(uint32_t address);

 private:
  void Refresh();

  bool known_ = false;
  time_t refreshed_ = 0;
  std::set<uint32_t> addresses_;
};

}  // namespace so::egress

#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "sandbox/egress/destination_filter.h"

struct Slirp;

namespace so::egress {

// Turns the packets of a sandbox into connections of this process, and back:
// libslirp, behind a filter. One thread.
class Translator {
 public:
  // `filter` must outlive this.
  Translator(UniqueFd tunnel, const DestinationFilter& filter);
  ~Translator();
  Translator(const Translator&) = delete;

  // Works until the other end of `life_line`, a socket, is closed or the
  // tunnel is gone.
  void Run(int life_line);

 private:
  struct Callbacks;

  void IntroduceSandbox();
  // False when the tunnel is gone.
  bool TakePackets();
  void HandOver(size_t size);
  void Deliver(const uint8_t* frame, size_t size);

  const UniqueFd tunnel_;
  const DestinationFilter& filter_;
  Slirp* slirp_ = nullptr;
  std::vector<pollfd> polled_;
  // An Ethernet frame with the packet in it.
  std::vector<uint8_t> frame_;
};

}  // namespace so::egress

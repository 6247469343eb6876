#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

namespace so {

// A host and an outside, joined by a cable: two network namespaces of this
// machine and nothing else. Nothing in them reaches any other network. Needs
// root and the command `ip`.
//
// Servers on both answer on TCP and UDP port kPort with who they are, "outside"
// or "host", on all their addresses. A name server on the host's loopback says
// that every name is kOutside.
class NetworkWorld {
 public:
  static constexpr char kOutside[] = "203.0.113.1";
  static constexpr char kOutsidePrivate[] = "10.99.0.1";
  static constexpr char kHost[] = "203.0.113.2";
  static constexpr char kHostPrivate[] = "10.99.0.2";
  static constexpr int kPort = 7000;

  // Moves this process to the host of a new world, for good. Its resolv.conf
  // names the name server there. Null when that is not possible.
  static std::unique_ptr<NetworkWorld> Enter();
  // Ends the servers.
  ~NetworkWorld();

 private:
  NetworkWorld() = default;

  // A file in the place of resolv.conf.
  std::string resolver_;
  pid_t outside_ = -1;
  pid_t host_ = -1;
};

}  // namespace so

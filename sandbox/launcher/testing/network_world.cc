#include "sandbox/launcher/testing/network_world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace so {
namespace {

constexpr int kDomainPort = 53;

UniqueFd Listen(int kind, int port) {
  UniqueFd fd(socket(AF_INET, kind | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) !=
      0) {
    std::abort();
  }
  if (kind == SOCK_STREAM) listen(fd.get(), 16);
  return fd;
}

void AnswerStream(const UniqueFd& listener, absl::string_view text) {
  const UniqueFd connection(accept(listener.get(), nullptr, nullptr));
  send(connection.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

// Answers what `make` makes of a datagram.
template <typename Make>
void AnswerDatagram(const UniqueFd& fd, Make make) {
  char data[512];
  sockaddr_in from;
  socklen_t length = sizeof(from);
  const ssize_t size = recvfrom(fd.get(), data, sizeof(data), 0,
                                reinterpret_cast<sockaddr*>(&from), &length);
  if (size < 0) return;
  const std::string answer = make(std::string(data, static_cast<size_t>(size)));
  sendto(fd.get(), answer.data(), answer.size(), 0,
         reinterpret_cast<sockaddr*>(&from), length);
}

// To a question about one name (RFC 1035): an address, whatever it asks for.
std::string AnswerName(const std::string& question) {
  constexpr size_t kHeader = 12;
  const size_t name_end = question.find('\0', kHeader);
  if (name_end == std::string::npos || name_end + 5 > question.size()) {
    return "";
  }
  const bool wants_address = question[name_end + 2] == 1;
  std::string answer = question.substr(0, 2) + "\x81\x80" +
                       std::string("\0\1\0", 3) +
                       (wants_address ? '\1' : '\0') + std::string(4, '\0') +
                       question.substr(kHeader, name_end + 5 - kHeader);
  if (!wants_address) return answer;
  in_addr address;
  inet_pton(AF_INET, NetworkWorld::kOutside, &address);
  return answer + std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4", 12) +
         std::string(reinterpret_cast<const char*>(&address), 4);
}

[[noreturn]] void Serve(const std::string& who) {
  const UniqueFd stream = Listen(SOCK_STREAM, NetworkWorld::kPort);
  const UniqueFd datagrams = Listen(SOCK_DGRAM, NetworkWorld::kPort);
  const UniqueFd names = Listen(SOCK_DGRAM, kDomainPort);
  while (true) {
    pollfd all[] = {{stream.get(), POLLIN, 0},
                    {datagrams.get(), POLLIN, 0},
                    {names.get(), POLLIN, 0}};
    if (poll(all, 3, -1) < 0) continue;
    if (all[0].revents != 0) AnswerStream(stream, who);
    if (all[1].revents != 0) {
      AnswerDatagram(datagrams, [&](const std::string&) { return who; });
    }
    if (all[2].revents != 0) AnswerDatagram(names, AnswerName);
  }
}

// A server in a network namespace of its own, or in this one.
pid_t StartServer(const std::string& who, bool own_network) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) std::abort();
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (own_network && unshare(CLONE_NEWNET) != 0) _exit(1);
    if (write(ready[1], "", 1) != 1) _exit(1);
    Serve(who);
  }
  close(ready[1]);
  char byte;
  const bool up = read(ready[0], &byte, 1) == 1;
  close(ready[0]);
  return up ? pid : -1;
}

bool Run(const std::string& command) {
  return std::system(command.c_str()) == 0;
}

bool ReplaceResolver(std::string& path) {
  path = "/tmp/so-resolver-XXXXXX";
  const UniqueFd file(mkstemp(path.data()));
  std::ofstream(path) << "nameserver 127.0.0.1\n";
  return unshare(CLONE_NEWNS) == 0 &&
         mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount(path.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) ==
             0;
}

}  // namespace

std::unique_ptr<NetworkWorld> NetworkWorld::Enter() {
  std::unique_ptr<NetworkWorld> world(new NetworkWorld);
  if (unshare(CLONE_NEWNET) != 0 || !ReplaceResolver(world->resolver_)) {
    return nullptr;
  }
  world->outside_ = StartServer("outside", true);
  const bool joined = Run(absl::StrCat(
      "exec 2>&1; set -e; out='nsenter -t ", world->outside_, " -n ip';",
      "ip link set lo up; ip link add near type veth peer name far netns ",
      world->outside_, "; ip addr add ", kHost, "/24 dev near; ip addr add ",
      kHostPrivate, "/24 dev near; ip link set near up; $out link set lo up;",
      "$out addr add ", kOutside, "/24 dev far; $out addr add ",
      kOutsidePrivate, "/24 dev far; $out link set far up;",
      "ip route add default via ", kOutside));
  world->host_ = StartServer("host", false);
  if (!joined || world->outside_ < 0 || world->host_ < 0) return nullptr;
  return world;
}

NetworkWorld::~NetworkWorld() {
  umount2("/etc/resolv.conf", MNT_DETACH);
  unlink(resolver_.c_str());
  for (const pid_t pid : {outside_, host_}) {
    if (pid < 0) continue;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
}

}  // namespace so

#include "sandbox/egress/helper/translator.h"

#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <slirp/libslirp.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <utility>

#include "sandbox/egress/helper/tunnel.h"
#include "sandbox/egress/refusal.h"
#include "sandbox/protocol/egress_network.h"

namespace so::egress {
namespace {

// libslirp speaks Ethernet; this is the sandbox's address there.
constexpr uint8_t kHardware[ETH_ALEN] = {0x02, 0, 0, 0, 0, 0x64};
constexpr char kNetwork[] = "198.18.0.0";
constexpr char kMask[] = "255.255.255.0";
// Packets taken before connections get their turn.
constexpr int kPacketsAtOnce = 64;
constexpr size_t kOwnPolls = 2;

in_addr Address(const char* text) {
  in_addr address = {};
  inet_pton(AF_INET, text, &address);
  return address;
}

SlirpConfig Config() {
  SlirpConfig config = {};
  config.version = 4;
  config.in_enabled = true;
  config.vnetwork = Address(kNetwork);
  config.vnetmask = Address(kMask);
  config.vhost = Address(kGateway);
  config.vnameserver = Address(kNameServer);
  config.vdhcp_start = Address(kSandboxAddress);
  config.if_mtu = kTunnelMtu;
  config.if_mru = kTunnelMtu;
  // The filter lets nothing pass to these; twice is safer.
  config.disable_host_loopback = true;
  config.disable_dhcp = true;
  return config;
}

short ToPoll(int events) {
  return static_cast<short>((events & SLIRP_POLL_IN ? POLLIN : 0) |
                            (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
                            (events & SLIRP_POLL_PRI ? POLLPRI : 0) |
                            (events & SLIRP_POLL_ERR ? POLLERR : 0) |
                            (events & SLIRP_POLL_HUP ? POLLHUP : 0));
}

int FromPoll(short events) {
  return (events & POLLIN ? SLIRP_POLL_IN : 0) |
         (events & POLLOUT ? SLIRP_POLL_OUT : 0) |
         (events & POLLPRI ? SLIRP_POLL_PRI : 0) |
         (events & POLLERR ? SLIRP_POLL_ERR : 0) |
         (events & POLLHUP ? SLIRP_POLL_HUP : 0);
}

}  // namespace

struct Translator::Callbacks {
  static ssize_t Send(const void* frame, size_t size, void* self) {
    static_cast<Translator*>(self)->Deliver(static_cast<const uint8_t*>(frame),
                                            size);
    return static_cast<ssize_t>(size);
  }
  static int64_t Now(void*) {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  }
  static int AddPoll(int fd, int events, void* self) {
    auto& polled = static_cast<Translator*>(self)->polled_;
    polled.push_back({fd, ToPoll(events), 0});
    return static_cast<int>(polled.size()) - 1;
  }
  static int Events(int index, void* self) {
    return FromPoll(static_cast<Translator*>(self)
                        ->polled_[static_cast<size_t>(index)]
                        .revents);
  }

  // Timers are for IPv6 only. Each round asks libslirp anew for its
  // descriptors, and what sandboxes do wrong is theirs to notice.
  static constexpr SlirpCb kAll = {
      .send_packet = Send,
      .guest_error = [](const char*, void*) {},
      .clock_get_ns = Now,
      .register_poll_fd = [](int, void*) {},
      .unregister_poll_fd = [](int, void*) {},
      .notify = [](void*) {},
  };
};

Translator::Translator(UniqueFd tunnel, const DestinationFilter& filter)
    : tunnel_(std::move(tunnel)),
      filter_(filter),
      frame_(ETH_HLEN + kTunnelMtu) {
  const SlirpConfig config = Config();
  slirp_ = slirp_new(&config, &Callbacks::kAll, this);
  IntroduceSandbox();
}

Translator::~Translator() { slirp_cleanup(slirp_); }

void Translator::IntroduceSandbox() {
  // A gratuitous ARP message: libslirp would ask for the hardware address, and
  // there is nobody to answer.
  std::vector<uint8_t> frame(ETH_HLEN + sizeof(ether_arp));
  auto* header = reinterpret_cast<ether_header*>(frame.data());
  std::memset(header->ether_dhost, 0xff, ETH_ALEN);
  std::memcpy(header->ether_shost, kHardware, ETH_ALEN);
  header->ether_type = htons(ETHERTYPE_ARP);
  ether_arp arp = {};
  arp.ea_hdr.ar_hrd = htons(ARPHRD_ETHER);
  arp.ea_hdr.ar_pro = htons(ETHERTYPE_IP);
  arp.ea_hdr.ar_hln = ETH_ALEN;
  arp.ea_hdr.ar_pln = sizeof(in_addr);
  arp.ea_hdr.ar_op = htons(ARPOP_REQUEST);
  const in_addr sandbox = Address(kSandboxAddress);
  std::memcpy(arp.arp_sha, kHardware, ETH_ALEN);
  std::memcpy(arp.arp_spa, &sandbox, sizeof(sandbox));
  std::memcpy(arp.arp_tpa, &sandbox, sizeof(sandbox));
  std::memcpy(frame.data() + ETH_HLEN, &arp, sizeof(arp));
  slirp_input(slirp_, frame.data(), static_cast<int>(frame.size()));
}

void Translator::Run(int life_line) {
  while (true) {
    polled_ = {{tunnel_.get(), POLLIN, 0}, {life_line, POLLIN, 0}};
    uint32_t timeout = INT_MAX;
    slirp_pollfds_fill(slirp_, &timeout, Callbacks::AddPoll, this);
    const int ready =
        poll(polled_.data(), polled_.size(),
             static_cast<int>(std::min<uint32_t>(timeout, INT_MAX)));
    slirp_pollfds_poll(slirp_, ready < 0, Callbacks::Events, this);
    if (ready < 0) continue;
    static_assert(kOwnPolls == 2);
    if (polled_[1].revents != 0) return;
    if (polled_[0].revents != 0 && !TakePackets()) return;
  }
}

bool Translator::TakePackets() {
  for (int i = 0; i < kPacketsAtOnce; ++i) {
    const ssize_t size =
        read(tunnel_.get(), frame_.data() + ETH_HLEN, frame_.size() - ETH_HLEN);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    HandOver(static_cast<size_t>(size));
  }
  return true;
}

void Translator::HandOver(size_t size) {
  const uint8_t* packet = frame_.data() + ETH_HLEN;
  const Verdict verdict = filter_.Judge(packet, size);
  if (verdict == Verdict::kRefuse) {
    const std::vector<uint8_t> refusal = MakeRefusal(packet, size);
    // When there is no room, the sandbox will have to find out by waiting.
    if (write(tunnel_.get(), refusal.data(), refusal.size()) < 0) return;
  }
  if (verdict != Verdict::kPass) return;
  auto* header = reinterpret_cast<ether_header*>(frame_.data());
  std::memset(header->ether_dhost, 0xff, ETH_ALEN);
  std::memcpy(header->ether_shost, kHardware, ETH_ALEN);
  header->ether_type = htons(ETHERTYPE_IP);
  slirp_input(slirp_, frame_.data(), static_cast<int>(ETH_HLEN + size));
}

void Translator::Deliver(const uint8_t* frame, size_t size) {
  if (size <= ETH_HLEN) return;
  uint16_t type;
  std::memcpy(&type, frame + offsetof(ether_header, ether_type), sizeof(type));
  if (type != htons(ETHERTYPE_IP)) return;
  // A packet that is lost is sent again by TCP.
  if (write(tunnel_.get(), frame + ETH_HLEN, size - ETH_HLEN) < 0) return;
}

}  // namespace so::egress

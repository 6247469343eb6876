#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace so::egress {

// What tells the sender of `packet`, an IPv4 packet with a valid header, that
// it was refused (ICMP: administratively prohibited). A connect fails at once
// with EHOSTUNREACH instead of timing out.
std::vector<uint8_t> MakeRefusal(const uint8_t* packet, size_t size);

}  // namespace so::egress

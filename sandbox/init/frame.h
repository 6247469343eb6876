#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace so::init {

// Frames between the pool and an instance; docs/runtime-contract.md has the
// bytes. The pool has its own code for them, which so-init does not link: a
// parked sandbox should cost as little memory as it can.
enum class FrameType : uint8_t {
  kConfig = 1,
  kInvoke = 2,
  kHello = 16,
  kReady = 17,
  kInitError = 18,
  kStarted = 19,
  kResult = 20,
  kError = 21,
};

inline constexpr size_t kNonceBytes = 16;
inline constexpr size_t kMaxBodyBytes = 6 << 20;
inline constexpr size_t kMaxFrameBytes = kMaxBodyBytes + (64 << 10);

using Nonce = std::array<char, kNonceBytes>;

struct Frame {
  FrameType type;
  Nonce nonce;
  std::string payload;
};

std::string EncodeFrame(FrameType type, const Nonce& nonce,
                        std::string_view payload);

// A payload of two parts: JSON, then bytes.
std::string EncodeTwoParts(std::string_view meta, std::string_view body);
struct TwoParts {
  std::string_view meta;
  std::string_view body;
};
// Views into `payload`. False when it is too short for its lengths.
bool DecodeTwoParts(std::string_view payload, TwoParts& parts);

// Cuts a stream of bytes into frames.
class FrameParser {
 public:
  enum class Status { kFrame, kNeedMore, kBroken };

  void Feed(std::string_view bytes) { buffer_.append(bytes); }
  // The next frame, if it is complete. After kBroken nothing more comes.
  Status Next(Frame& frame);

 private:
  std::string buffer_;
};

}  // namespace so::init

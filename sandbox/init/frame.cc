#include "sandbox/init/frame.h"

#include <cstring>

namespace so::init {
namespace {

constexpr size_t kLengthBytes = 4;
constexpr size_t kHeadBytes = 1 + kNonceBytes;

void AppendLength(std::string& bytes, size_t length) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(length >> shift & 0xff));
  }
}

size_t ReadLength(std::string_view bytes) {
  size_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return length;
}

}  // namespace

std::string EncodeFrame(FrameType type, const Nonce& nonce,
                        std::string_view payload) {
  std::string frame;
  frame.reserve(kLengthBytes + kHeadBytes + payload.size());
  AppendLength(frame, kHeadBytes + payload.size());
  frame.push_back(static_cast<char>(type));
  frame.append(nonce.data(), nonce.size());
  frame.append(payload);
  return frame;
}

std::string EncodeTwoParts(std::string_view meta, std::string_view body) {
  std::string payload;
  payload.reserve(kLengthBytes + meta.size() + body.size());
  AppendLength(payload, meta.size());
  payload.append(meta);
  payload.append(body);
  return payload;
}

bool DecodeTwoParts(std::string_view payload, TwoParts& parts) {
  if (payload.size() < kLengthBytes) return false;
  const size_t length = ReadLength(payload);
  payload.remove_prefix(kLengthBytes);
  if (length > payload.size()) return false;
  parts = {payload.substr(0, length), payload.substr(length)};
  return true;
}

FrameParser::Status FrameParser::Next(Frame& frame) {
  if (buffer_.size() < kLengthBytes) return Status::kNeedMore;
  const size_t length = ReadLength(buffer_);
  if (length < kHeadBytes || length > kMaxFrameBytes) return Status::kBroken;
  if (buffer_.size() < kLengthBytes + length) {
    buffer_.reserve(kLengthBytes + length);
    return Status::kNeedMore;
  }
  frame.type = static_cast<FrameType>(buffer_[kLengthBytes]);
  std::memcpy(frame.nonce.data(), buffer_.data() + kLengthBytes + 1,
              kNonceBytes);
  frame.payload =
      buffer_.substr(kLengthBytes + kHeadBytes, length - kHeadBytes);
  buffer_.erase(0, kLengthBytes + length);
  // A large event must not pin its memory while the instance is idle.
  if (buffer_.empty()) std::string().swap(buffer_);
  return Status::kFrame;
}

}  // namespace so::init

#include "sandbox/protocol/packet.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sandbox/protocol/messages.h"

namespace so {
namespace {

class PacketTest : public testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
    here_.Reset(pair[0]);
    there_.Reset(pair[1]);
  }

  // What Receive left behind.
  int Receive(size_t capacity = launcher::kMaxMessageBytes) {
    buffer_.assign(capacity, '\0');
    return ReceivePacket(there_.get(), buffer_.data(), capacity, size_, fds_);
  }

  UniqueFd here_, there_;
  std::string buffer_;
  size_t size_ = 0;
  std::vector<UniqueFd> fds_;
};

TEST_F(PacketTest, MessagesKeepTheirBounds) {
  launcher::KillRequest kill;
  kill.sandbox = 7;
  ASSERT_EQ(SendMessage(here_.get(), kill), 0);
  ASSERT_EQ(SendMessage(here_.get(), launcher::Hello{}), 0);
  ASSERT_EQ(Receive(), 0);
  ASSERT_EQ(size_, sizeof(kill));
  EXPECT_EQ(
      reinterpret_cast<const launcher::KillRequest*>(buffer_.data())->sandbox,
      7u);
  ASSERT_EQ(Receive(), 0);
  EXPECT_EQ(size_, sizeof(launcher::Hello));
  EXPECT_EQ(Receive(), EAGAIN);
}

TEST_F(PacketTest, DescriptorsComeInOrderAndCloseOnExec) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const UniqueFd reader(ends[0]), writer(ends[1]);
  ASSERT_EQ(
      SendMessage(here_.get(), launcher::Hello{}, {reader.get(), writer.get()}),
      0);
  ASSERT_EQ(Receive(), 0);
  ASSERT_EQ(fds_.size(), 2u);
  ASSERT_EQ(write(fds_[1].get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(read(reader.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
  EXPECT_NE(fcntl(fds_[0].get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(PacketTest, TooLongPacketIsLostWithItsDescriptors) {
  ASSERT_EQ(SendMessage(here_.get(), launcher::Hello{}, {0, 1}), 0);
  EXPECT_EQ(Receive(4), EMSGSIZE);
  EXPECT_TRUE(fds_.empty());
}

TEST_F(PacketTest, TooManyDescriptorsAreRefused) {
  const std::vector<int> many(kMaxPacketFds + 1, here_.get());
  EXPECT_EQ(SendPacket(here_.get(), "x", 1, many.data(), many.size()), EINVAL);
}

TEST_F(PacketTest, ClosedEndIsAnEmptyPacket) {
  here_.Reset();
  ASSERT_EQ(Receive(), 0);
  EXPECT_EQ(size_, 0u);
  EXPECT_EQ(SendMessage(there_.get(), launcher::Hello{}), EPIPE);
}

}  // namespace
}  // namespace so
